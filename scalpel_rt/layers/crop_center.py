"""CropCenter: cuts as much off both ends of each axis."""

from ..errors import ShapeError
from ._base import Layer, as_f32, count
from ._registry import register
from ._strides import strides


@register
class CropCenter(Layer):
    """x -> x without the first and last ``crop_size[i]`` indices of each axis i."""

    type = "CropCenter"
    origin = "waifu2x"

    def parse(self, message):
        self.cut = tuple(message.crop_center_param.crop_size)

    def shapes(self, bottoms):
        x = bottoms[0]
        if len(self.cut) != len(x) or any(2 * k >= n for k, n in zip(self.cut, x, strict=True)):
            raise ShapeError(f"crop_size {list(self.cut)} must have a number for each axis of a bottom of shape {x} "
                             "and leave something of each axis")
        return [tuple(n - 2 * k for k, n in zip(self.cut, x, strict=True))]

    def forward(self, bottoms, params):
        x = bottoms[0]
        return [as_f32(x[tuple(slice(k, n - k) for k, n in zip(self.cut, x.shape, strict=True))])]

    def lower(self, build, bottoms, tops, params):
        (x,), (y,) = bottoms, tops
        offset = sum(k * count(x.shape, i + 1) for i, k in enumerate(self.cut))
        return build.copy([x], y, [{"shape": y.shape, "x_strides": strides(x.shape), "y_strides": strides(y.shape),
                                    "x_offset": offset}])
