"""Flatten: some axes made one."""

from ..errors import ShapeError
from ._base import Layer, count
from ._registry import register


@register
class Flatten(Layer):
    """Axes ``axis`` to ``end_axis``, both included, as one; with end_axis = axis - 1 an axis of size 1 is put in."""

    type = "Flatten"

    def parse(self, message):
        self.first, self.last = message.flatten_param.axis, message.flatten_param.end_axis

    def shapes(self, bottoms):
        shape = tuple(bottoms[0])
        start, end = self.axis(self.first, shape), self.axis(self.last, shape, "end_axis") + 1
        if start > end:
            raise ShapeError(f"end_axis {self.last} lies before axis {self.first}, bottom shape {shape}")
        return [(*shape[:start], count(shape, start, end), *shape[end:])]

    def forward(self, bottoms, params):
        return [bottoms[0].reshape(self.shapes([bottoms[0].shape])[0])]

    def lower(self, build, bottoms, tops, params):
        build.op("view", bottoms, tops)
        return True
