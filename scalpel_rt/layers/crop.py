"""Crop: a bottom cut to the size of another."""

from ..errors import GraphError, ShapeError
from ._base import Layer, as_f32
from ._registry import register
from ._strides import strides


@register
class Crop(Layer):
    """The first bottom, cut to the second one's size in ``axis`` and all after it, beginning at ``offset``: nothing
    (0), one number for all axes, or one for each. The second bottom's numbers are not used.
    """

    type = "Crop"
    bottoms = (2, 2)

    def parse(self, message):
        self.first, self.offsets = message.crop_param.axis, list(message.crop_param.offset)

    def window(self, bottoms):
        """(where the window starts, its shape), for all axes."""
        shape, like = (tuple(b) for b in bottoms)
        axis = self.axis(self.first, shape)
        n = len(shape) - axis
        if len(self.offsets) not in (0, 1, n):
            raise GraphError(f"{len(self.offsets)} values of offset {self.offsets} for {n} cropped axes: "
                             f"give none, one, or {n}")
        if len(like) < len(shape):
            raise ShapeError(f"the second bottom, shape {like}, has fewer axes than the first, shape {shape}")
        offsets = self.offsets if len(self.offsets) == n else (self.offsets or [0]) * n
        for i, offset in enumerate(offsets, axis):
            if offset + like[i] > shape[i]:
                raise ShapeError(f"axis {i}: offset {offset} and size {like[i]} reach beyond {shape[i]}; "
                                 f"bottom shapes {shape} and {like}")
        return [0] * axis + list(offsets), (*shape[:axis], *like[axis:len(shape)])

    def shapes(self, bottoms):
        return [self.window(bottoms)[1]]

    def forward(self, bottoms, params):
        start, shape = self.window([b.shape for b in bottoms])
        return [as_f32(bottoms[0][tuple(slice(a, a + n) for a, n in zip(start, shape, strict=True))])]

    def lower(self, build, bottoms, tops, params):
        start, shape = self.window([b.shape for b in bottoms])
        x_strides = strides(bottoms[0].shape)
        return build.copy(bottoms[:1], tops[0], [{
            "shape": shape, "x_strides": x_strides, "y_strides": strides(shape),
            "x_offset": sum(a * s for a, s in zip(start, x_strides, strict=True))}])
