"""Permute: the axes in another order."""

import numpy as np

from ..errors import GraphError, ShapeError
from ._base import Layer, as_f32
from ._registry import register
from ._strides import strides


@register
class Permute(Layer):
    """x -> x with its axes in the ``order`` of ``permute_param``; axes that it does not name follow in their order."""

    type = "Permute"
    origin = "SSD"

    def parse(self, message):
        self.named = tuple(message.permute_param.order)
        if len(set(self.named)) != len(self.named):
            raise GraphError(f"permute_param order {list(self.named)} names an axis twice")

    def order(self, shape):
        """The whole order for a bottom of ``shape``."""
        if any(axis >= len(shape) for axis in self.named):
            raise ShapeError(f"permute_param order {list(self.named)} names an axis that a bottom of shape {shape} "
                             "does not have")
        return (*self.named, *(axis for axis in range(len(shape)) if axis not in self.named))

    def shapes(self, bottoms):
        return [tuple(bottoms[0][axis] for axis in self.order(bottoms[0]))]

    def forward(self, bottoms, params):
        return [as_f32(np.transpose(bottoms[0], self.order(bottoms[0].shape)))]

    def lower(self, build, bottoms, tops, params):
        (x,), (y,) = bottoms, tops
        steps = strides(x.shape)
        return build.copy([x], y, [{"shape": y.shape, "x_strides": tuple(steps[axis] for axis in self.order(x.shape)),
                                    "y_strides": strides(y.shape)}])
