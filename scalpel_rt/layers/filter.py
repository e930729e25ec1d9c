"""Filter: keeps the items of a batch that a selector names."""

import numpy as np

from ..errors import GraphError, ShapeError
from ._base import Layer, as_f32
from ._registry import register


@register
class Filter(Layer):
    """k blobs (N, ...) and a selector (N, 1, ...) -> the items of each where the selector is not 0.

    How many remain depends on the data, none at all included; until the first forward the tops show N.
    """

    type = "Filter"
    bottoms = (2, None)
    tops = (1, None)
    dynamic = True

    def check_counts(self, n_bottoms, n_tops):
        super().check_counts(n_bottoms, n_tops)
        if n_tops != n_bottoms - 1:
            raise GraphError(f"Filter has a top for each bottom but the selector: {n_bottoms - 1} for {n_bottoms} "
                             f"bottoms, not {n_tops}")

    def shapes(self, bottoms):
        *data, selector = bottoms
        if not selector or any(d != 1 for d in selector[1:]):
            raise ShapeError(f"the selector (the last bottom) must have shape (N) or (N, 1, ...), not {selector}")
        for shape in data:
            if not shape or shape[0] != selector[0]:
                raise ShapeError(f"each bottom needs the selector's first dimension: {shape} and {selector}")
        return [tuple(shape) for shape in data]

    def forward(self, bottoms, params):
        keep = np.flatnonzero(bottoms[-1].ravel())
        return [as_f32(x[keep]) for x in bottoms[:-1]]
