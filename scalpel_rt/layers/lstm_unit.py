"""LSTMUnit: one step of an LSTM, for nets that are unrolled by hand."""

import numpy as np

from ..errors import ShapeError
from ._base import Layer, as_f32
from ._registry import register
from .lstm import lstm_unit


@register
class LSTMUnit(Layer):
    """c_prev (1, N, D), gates (1, N, 4D) in the order i, f, o, g, cont (1, N) -> c, h, both (1, N, D)."""

    type = "LSTMUnit"
    bottoms = (3, 3)
    tops = (2, 2)

    def shapes(self, bottoms):
        c, gates, cont = bottoms
        if len(c) != 3 or c[0] != 1:
            raise ShapeError(f"the cell state must have shape (1, N, D), not {c}")
        if gates != (1, c[1], 4 * c[2]) or cont != c[:2]:
            raise ShapeError(f"the cell state {c} needs gates {(1, c[1], 4 * c[2])} and marks {c[:2]}, not {gates} "
                             f"and {cont}")
        return [c, c]

    def forward(self, bottoms, params):
        c, gates, cont = (b.astype(np.float64) for b in bottoms)
        h, c = lstm_unit(c[0], gates[0], cont[0][:, None])
        return [as_f32(c[None]), as_f32(h[None])]
