"""BatchReindex: picks items of a batch, in any order, any of them more than once."""

from ..errors import ShapeError
from ._base import Layer, as_f32
from ._index import to_index
from ._registry import register


@register
class BatchReindex(Layer):
    """x (N, ...), indices (M) -> x[indices] (M, ...). Indices are truncated towards 0."""

    type = "BatchReindex"
    bottoms = (2, 2)

    def shapes(self, bottoms):
        x, index = bottoms
        if len(index) != 1:
            raise ShapeError(f"the indices must have one axis, not shape {index}")
        if not x:
            raise ShapeError(f"a bottom of no axes has no items to pick, and the indices have shape {index}")
        return [(index[0], *x[1:])]

    def forward(self, bottoms, params):
        x, index = bottoms
        return [as_f32(x[to_index(index, x.shape[0], "index", "items in the batch")])]
