"""Slice: a bottom cut along an axis."""

import numpy as np

from ..errors import GraphError, ShapeError
from ._base import Layer, as_f32, count
from ._registry import register


@register
class Slice(Layer):
    """Pieces of the bottom along ``axis`` (``slice_dim`` is its older name), cut at the ``slice_point`` s, which count
    from the start, or into equal parts where there are none."""

    type = "Slice"
    tops = (1, None)

    def parse(self, message):
        p = message.slice_param
        if p.HasField("axis") and p.HasField("slice_dim"):
            raise GraphError(f"axis {p.axis} and slice_dim {p.slice_dim} are both given: either one or the other")
        self.along = p.slice_dim if p.HasField("slice_dim") else p.axis
        self.points, self.n = list(p.slice_point), len(message.top)
        if self.points and len(self.points) != self.n - 1:
            raise GraphError(f"{len(self.points)} slice_point(s) {self.points} for {self.n} tops: "
                             f"{self.n - 1} are needed")

    def cuts(self, shape):
        """(axis, where each piece starts, and the end of the last one)."""
        axis = self.axis(self.along, shape)
        size = shape[axis]
        if self.points:
            cuts = [0, *self.points, size]
            for a, b in zip(cuts, cuts[1:], strict=False):
                if a >= b:
                    raise ShapeError(f"slice_point {self.points} of axis {axis}, size {size}, makes an empty piece "
                                     f"from {a} to {b}; bottom shape {tuple(shape)}")
            return axis, cuts
        if size % self.n:
            raise ShapeError(f"axis {axis}, size {size}, cannot be cut into {self.n} equal parts; "
                             f"bottom shape {tuple(shape)}")
        return axis, [size // self.n * i for i in range(self.n + 1)]

    def shapes(self, bottoms):
        shape = tuple(bottoms[0])
        axis, cuts = self.cuts(shape)
        return [(*shape[:axis], b - a, *shape[axis + 1:]) for a, b in zip(cuts, cuts[1:], strict=False)]

    def forward(self, bottoms, params):
        axis, cuts = self.cuts(bottoms[0].shape)
        return [as_f32(piece) for piece in np.split(bottoms[0], cuts[1:-1], axis)]

    def lower(self, build, bottoms, tops, params):
        if len(tops) == 1:
            build.op("view", bottoms, tops)
            return True
        shape = bottoms[0].shape
        axis, cuts = self.cuts(shape)
        outer, step, inner = count(shape, 0, axis), count(shape, axis), count(shape, axis + 1)
        for start, y in zip(cuts, tops, strict=False):
            run = count(y.shape, axis)
            build.copy(bottoms, y, [{"shape": (outer, run), "x_strides": (step, 1), "y_strides": (run, 1),
                                     "x_offset": start * inner}])
        return True
