"""Reverse: an axis from its end to its start."""

import numpy as np

from ._base import Layer, as_f32, count
from ._registry import register


@register
class Reverse(Layer):
    """x -> x with the indices of ``axis`` (0 by default) in reverse order."""

    type = "Reverse"
    origin = "TextBoxes++"

    def parse(self, message):
        self.along = message.reverse_param.axis

    def shapes(self, bottoms):
        self.axis(self.along, bottoms[0])
        return [tuple(bottoms[0])]

    def forward(self, bottoms, params):
        return [as_f32(np.flip(bottoms[0], self.axis(self.along, bottoms[0].shape)))]

    def lower(self, build, bottoms, tops, params):
        (x,), (y,) = bottoms, tops
        axis = self.axis(self.along, x.shape)
        outer, length, inner = count(x.shape, 0, axis), x.shape[axis], count(x.shape, axis + 1)
        return build.copy([x], y, [{"shape": (outer, length, inner), "x_strides": (length * inner, -inner, 1),
                                    "y_strides": (length * inner, inner, 1), "x_offset": (length - 1) * inner}])
