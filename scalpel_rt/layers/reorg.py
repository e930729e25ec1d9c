"""Reorg: YOLOv2's exchange of pixels for channels."""

import numpy as np

from ..errors import GraphError, ShapeError
from ._base import Layer, as_f32
from ._registry import register
from ._strides import strides


@register
class Reorg(Layer):
    """x (N, C, H, W) -> (N, C s^2, H / s, W / s), or with ``reverse`` (N, C / s^2, H s, W s); s is ``stride``.

    Forwards this is Darknet's order, which trained weights depend on: the memory of x is read as if it were
    (C / s^2, H s, W s), not (C, H, W), so C must be a multiple of s^2.
    """

    type = "Reorg"
    origin = "YOLOv2"

    def parse(self, message):
        self.stride, self.reverse = message.reorg_param.stride, message.reorg_param.reverse
        if self.stride < 1:
            raise GraphError("reorg_param stride must be given and above 0")

    def shapes(self, bottoms):
        s = self.stride
        if len(bottoms[0]) != 4 or bottoms[0][1] % (s * s) or not self.reverse and any(n % s for n in bottoms[0][2:]):
            raise ShapeError(f"Reorg with stride {s} takes (N, C, H, W) with C a multiple of {s * s}"
                             f"{'' if self.reverse else f', H and W of {s}'}, not {bottoms[0]}")
        n, c, h, w = bottoms[0]
        return [(n, c // (s * s), h * s, w * s) if self.reverse else (n, c * s * s, h // s, w // s)]

    def moves(self, shape):
        """(shape, strides of the wide side, strides of the deep side) of the copy between the two memories."""
        n, c, h, w = shape
        s, planes = self.stride, c // (self.stride * self.stride)
        loops = (n, s, s, planes, h, w)             # item, row and column in a cell, plane, cell
        deep = strides(loops)
        item, plane, row, row_in, column, column_in = strides((n, planes, h, s, w, s))
        return loops, (item, row_in, column_in, plane, row, column), deep

    def forward(self, bottoms, params):
        x = bottoms[0]
        n, c, h, w = x.shape
        s, planes = self.stride, c // (self.stride * self.stride)
        if self.reverse:
            y = x.reshape(n, s, s, planes, h, w).transpose(0, 3, 4, 1, 5, 2)
        else:
            y = x.reshape(n, planes, h, s, w, s).transpose(0, 3, 5, 1, 2, 4)
        return [as_f32(np.ascontiguousarray(y).reshape(self.shapes([x.shape])[0]))]

    def lower(self, build, bottoms, tops, params):
        loops, wide, deep = self.moves(bottoms[0].shape)
        x_strides, y_strides = (deep, wide) if self.reverse else (wide, deep)
        return build.copy(bottoms, tops[0], [{"shape": loops, "x_strides": x_strides, "y_strides": y_strides}])
