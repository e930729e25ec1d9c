"""LSTM: Caffe's long short-term memory (Hochreiter and Schmidhuber, 1997; without peepholes)."""

import numpy as np

from ._base import count
from ._functions import sigmoid
from ._recurrent import Recurrent
from ._registry import register


@register
class LSTM(Recurrent):
    """See :class:`Recurrent`; the hidden blobs are h and c.

    Blobs: W_xc (4D, I), b_c (4D) [, W_xc_static (4D, S)], W_hc (4D, D); the four gates in the order i, f, o, g::

        i, f, o, g = sigmoid, sigmoid, sigmoid, tanh of W_xc x + b_c + W_xc_static s + W_hc (cont h)
        c = cont f c + i g;  h = o tanh(c)
    """

    type = "LSTM"
    hidden = 2

    def param_shapes(self, bottoms):
        gates = 4 * self.num_output
        static = [(gates, count(bottoms[2], 1))] if self.has_static(bottoms) else []
        return [(gates, count(bottoms[0], 2)), (gates,), *static, (gates, self.num_output)]

    def fillers(self):
        p = self.message.recurrent_param
        static = [p.weight_filler] if self.has_static(self.message.bottom) else []
        return [p.weight_filler, p.bias_filler, *static, p.weight_filler]

    def run(self, x, cont, static, hidden, params):
        steps, batch = cont.shape
        gates = (x @ params[0].T + params[1]).reshape(steps, batch, 4 * self.num_output)
        if static is not None:
            gates = gates + static @ params[2].T
        h, c = hidden
        out = np.empty((steps, batch, self.num_output))
        for t in range(steps):
            goes_on = cont[t][:, None]
            h, c = lstm_unit(c, gates[t] + (h * goes_on) @ params[-1].T, goes_on)
            out[t] = h
        return out, [h, c]


def lstm_unit(c, gates, cont):
    """One step: c (N, D), gates (N, 4D) before their functions, cont (N, 1) -> h, c. cont 0 drops c, even a NaN."""
    i, f, o, g = np.split(gates, 4, axis=1)
    kept = np.where(cont == 0, 0, cont * sigmoid(f) * np.where(cont == 0, 0, c))
    c = kept + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c
