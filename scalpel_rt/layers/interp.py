"""Interp: bilinear resizing whose corners stay corners."""

import numpy as np

from ..errors import GraphError, ShapeError
from ._base import Layer, as_f32, count
from ._registry import register


@register
class Interp(Layer):
    """x (N, C, H, W) [, like] -> (N, C, OH, OW), each axis sampled at OH points from the first to the last pixel.

    The size is: that of the second bottom, where there is one; else with ``shrink_factor`` alone (H - 1) / s + 1; with
    ``zoom_factor`` alone H + (H - 1)(z - 1); else ``height`` and ``width``; else both factors one after the other.
    ``pad_beg`` and ``pad_end``, at most 0, first cut pixels off all sides.
    """

    type = "Interp"
    origin = "DeepLab"
    bottoms = (1, 2)

    def parse(self, message):
        p = message.interp_param
        self.cut = -p.pad_beg, -p.pad_end
        if min(self.cut) < 0:
            raise GraphError(f"interp_param pad_beg {p.pad_beg} and pad_end {p.pad_end} must not be above 0")
        self.shrink = p.shrink_factor if p.HasField("shrink_factor") else None
        self.zoom = p.zoom_factor if p.HasField("zoom_factor") else None
        if min(self.shrink or 1, self.zoom or 1) < 1 or 0 in (self.shrink, self.zoom):
            raise GraphError(f"interp_param shrink_factor and zoom_factor must be at least 1, not {self.shrink} and "
                             f"{self.zoom}")
        self.size = (p.height, p.width) if p.HasField("height") and p.HasField("width") else None
        if (self.shrink, self.zoom, self.size) == (None, None, None) and len(message.bottom) < 2:
            raise GraphError("interp_param needs shrink_factor, zoom_factor, or height and width")

    def shapes(self, bottoms):
        x = bottoms[0]
        if len(x) != 4 or any(len(b) != 4 for b in bottoms):
            raise ShapeError(f"Interp takes bottoms of shape (N, C, H, W), not {', '.join(map(str, bottoms))}")
        pixels = [n - sum(self.cut) for n in x[2:]]
        if len(bottoms) == 2:
            sizes = bottoms[1][2:]
        elif self.size and (self.shrink is None) == (self.zoom is None):
            sizes = self.size
        else:
            sizes = [(n - 1) // (self.shrink or 1) + 1 for n in pixels]
            sizes = [n + (n - 1) * ((self.zoom or 1) - 1) for n in sizes]
        if min(*pixels, *sizes) < 1:
            raise ShapeError(f"a bottom of shape {x}, {self.cut} pixels cut off, cannot be resized to {tuple(sizes)}")
        return [(*x[:2], *sizes)]

    def forward(self, bottoms, params):
        x = bottoms[0]
        sizes = self.shapes([b.shape for b in bottoms])[0][2:]
        return [as_f32(resize(x, *(self.table(pixels, size) for pixels, size in zip(x.shape[2:], sizes, strict=True))))]

    def table(self, pixels, size):
        """Between which of the ``pixels`` of an axis each of ``size`` points lies: low, high (int32), and what part of
        the way (float32)."""
        first, inside = self.cut[0], pixels - sum(self.cut)
        at = np.arange(size) * ((inside - 1) / (size - 1) if size > 1 else 0.0)
        low = np.minimum(at.astype(np.int32), inside - 1)
        high = np.minimum(low + 1, inside - 1).astype(np.int32)
        return low + np.int32(first), high + np.int32(first), as_f32(at - low)

    def lower(self, build, bottoms, tops, params):
        x, y = bottoms[0], tops[0]
        if x.shape == y.shape and not any(self.cut):
            build.op("view", [x], [y])
            return True
        planes = count(x.shape, 0, 2)
        tables = {f"{axis}_{name}": table for axis, pixels, size in zip("yx", x.shape[2:], y.shape[2:], strict=True)
                  for name, table in zip(("low", "high", "part"), self.table(pixels, size), strict=True)}
        out, done = build.into(y, (planes, *y.shape[2:]))
        build.op("interp", [build.reshaped(x, (planes, *x.shape[2:]))], [out], tables)
        done()
        return True


def resize(x, rows, columns):
    """x (..., H, W) in float64 at the points of two tables, each low, high and part of the way between them."""
    x = x.astype(np.float64)
    for axis, (low, high, part) in ((-1, columns), (-2, rows)):
        part = part.astype(np.float64).reshape(-1, *[1] * (-axis - 1))
        x = (1 - part) * x.take(low, axis) + part * x.take(high, axis)
    return x
