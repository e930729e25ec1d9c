"""ShuffleChannel: mixes the channels of groups (Zhang et al., ShuffleNet, 2017)."""

import numpy as np

from ..errors import GraphError, ShapeError
from ._base import Layer, as_f32, count
from ._registry import register


@register
class ShuffleChannel(Layer):
    """x (N, C, ...) -> its channels seen as (group, C / group) and transposed."""

    type = "ShuffleChannel"
    origin = "ShuffleNet"

    def parse(self, message):
        self.group = message.shuffle_channel_param.group
        if self.group < 1:
            raise GraphError("shuffle_channel_param group must be above 0, not 0")

    def shapes(self, bottoms):
        if len(bottoms[0]) < 2 or bottoms[0][1] % self.group:
            raise ShapeError(f"the channels of a bottom of shape {bottoms[0]} do not make {self.group} groups")
        return [tuple(bottoms[0])]

    def forward(self, bottoms, params):
        x = bottoms[0]
        grouped = x.reshape(x.shape[0], self.group, x.shape[1] // self.group, count(x.shape, 2))
        return [as_f32(np.ascontiguousarray(grouped.swapaxes(1, 2)).reshape(x.shape))]

    def lower(self, build, bottoms, tops, params):
        (x,), (y,) = bottoms, tops
        n, c = x.shape[:2]
        inner, columns = count(x.shape, 2), c // self.group
        return build.copy([x], y, [{
            "shape": (n, columns, self.group, inner), "x_strides": (c * inner, inner, columns * inner, 1),
            "y_strides": (c * inner, self.group * inner, inner, 1)}])
