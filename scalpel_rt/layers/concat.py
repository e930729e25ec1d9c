"""Concat: bottoms joined along an axis."""

import numpy as np

from ..errors import GraphError, ShapeError
from ._base import Layer, as_f32, count
from ._registry import register


@register
class Concat(Layer):
    """The bottoms one after the other along ``axis`` (``concat_dim`` is its older name, which cannot be negative)."""

    type = "Concat"
    bottoms = (1, None)

    def parse(self, message):
        p = message.concat_param
        if p.HasField("axis") and p.HasField("concat_dim"):
            raise GraphError(f"axis {p.axis} and concat_dim {p.concat_dim} are both given: either one or the other")
        self.along = p.concat_dim if p.HasField("concat_dim") else p.axis

    def shapes(self, bottoms):
        first = tuple(bottoms[0])
        axis = self.axis(self.along, first)
        for i, other in enumerate(bottoms):
            if len(other) != len(first) or any(a != b for j, (a, b) in enumerate(zip(first, other, strict=True))
                                               if j != axis):
                raise ShapeError(f"bottom 0 has shape {first} and bottom {i} {tuple(other)}: "
                                 f"they may differ in axis {axis} only")
        return [(*first[:axis], sum(b[axis] for b in bottoms), *first[axis + 1:])]

    def forward(self, bottoms, params):
        return [as_f32(np.concatenate(bottoms, self.axis(self.along, bottoms[0].shape)))]

    def lower(self, build, bottoms, tops, params):
        if len(bottoms) == 1:
            build.op("view", bottoms, tops)
            return True
        axis = self.axis(self.along, tops[0].shape)
        outer, step = count(tops[0].shape, 0, axis), count(tops[0].shape, axis)
        parts, start = [], 0
        for i, x in enumerate(bottoms):
            run = count(x.shape, axis)
            if run:
                parts.append({"input": i, "shape": (outer, run), "x_strides": (run, 1), "y_strides": (step, 1),
                              "y_offset": start})
            start += run
        return build.copy(bottoms, tops[0], parts)
