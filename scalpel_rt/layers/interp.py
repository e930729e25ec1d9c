"""Interp: bilinear resizing whose corners stay corners."""

import numpy as np

from ..errors import GraphError, ShapeError
from ._base import Layer, as_f32
from ._registry import register
from ._strides import strides


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

    def matrix(self, pixels, size):
        """(size, pixels), float64: each row has the two weights of an output pixel along one axis."""
        at = np.arange(size) * ((pixels - 1) / (size - 1) if size > 1 else 0.0)
        low = np.minimum(at.astype(np.int64), pixels - 1)
        rows = np.arange(size)
        weights = np.zeros((size, pixels))
        weights[rows, low] = 1 - (at - low)
        weights[rows, np.minimum(low + 1, pixels - 1)] += at - low
        return weights

    def forward(self, bottoms, params):
        x = bottoms[0]
        height, width = self.shapes([b.shape for b in bottoms])[0][2:]
        beg, end = self.cut
        x = x[:, :, beg:x.shape[2] - end, beg:x.shape[3] - end].astype(np.float64)
        return [as_f32(self.matrix(x.shape[2], height) @ x @ self.matrix(x.shape[3], width).T)]

    def lower(self, build, bottoms, tops, params):
        """A product with a matrix along each axis: the width as ``fc``, the height as channels of a 1x1 ``conv``."""
        x, y = bottoms[0], tops[0]
        n, c, h, w = x.shape
        planes, (beg, end) = n * c, self.cut
        if beg or end:
            inner = (n, c, h - beg - end, w - beg - end)
            part = build.temp(inner)
            if not build.copy([x], part, [{"shape": inner, "x_strides": strides(x.shape), "y_strides": strides(inner),
                                           "x_offset": beg * w + beg}]):
                return False
            x, h, w = part, *inner[2:]
        oh, ow = y.shape[2:]
        if (oh, ow) == (h, w):
            build.op("view", [x], [y])
            return True
        if w != ow:
            rows = build.reshaped(x, (planes * h, w))
            wide, done = build.into(y, (planes * h, ow)) if h == oh else (build.temp((planes * h, ow)), lambda: None)
            build.op("fc", [rows], [wide], {"w": as_f32(self.matrix(w, ow))}, act=None)
            done()
            x = wide
        if h != oh:
            columns = build.reshaped(x, (planes, h, 1, ow))
            out, done = build.into(y, (planes, oh, 1, ow))
            build.op("conv", [columns], [out], {"w": as_f32(self.matrix(h, oh)).reshape(oh, h, 1, 1)}, kh=1, kw=1, sh=1,
                     sw=1, ph=0, pw=0, dh=1, dw=1, group=1, act=None)
            done()
        return True
