"""Tile: a bottom repeated along an axis."""

import numpy as np

from ..errors import GraphError
from ._base import Layer, as_f32, count
from ._registry import register


@register
class Tile(Layer):
    """``tiles`` copies of the bottom, one after the other along ``axis``."""

    type = "Tile"

    def parse(self, message):
        self.along, self.tiles = message.tile_param.axis, message.tile_param.tiles
        if self.tiles < 1:
            raise GraphError(f"tiles must be at least 1, not {self.tiles}")

    def shapes(self, bottoms):
        shape = list(bottoms[0])
        shape[self.axis(self.along, shape)] *= self.tiles
        return [tuple(shape)]

    def forward(self, bottoms, params):
        axis = self.axis(self.along, bottoms[0].shape)
        return [as_f32(np.tile(bottoms[0], [self.tiles if i == axis else 1 for i in range(bottoms[0].ndim)]))]

    def lower(self, build, bottoms, tops, params):
        shape = bottoms[0].shape
        axis = self.axis(self.along, shape)
        outer, inner = count(shape, 0, axis), count(shape, axis)
        return build.copy(bottoms, tops[0], [{"shape": (outer, self.tiles, inner), "x_strides": (inner, 0, 1),
                                              "y_strides": (self.tiles * inner, inner, 1)}])
