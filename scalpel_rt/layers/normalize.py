"""Normalize: each position's (or item's) vector to length 1, times a learnt scale (Liu, Rabinovich, Berg, 2015)."""

import numpy as np

from ..errors import ShapeError
from ._affine import lower_affine
from ._base import Layer, as_f32, count
from ._registry import register


@register
class Normalize(Layer):
    """x (N, C, ...) -> scale x / sqrt(eps + sum of x^2), the sum over all of an item (``across_spatial``) or over its
    channels at each position. Blob: scale () with ``channel_shared``, else (C).
    """

    type = "Normalize"
    origin = "SSD"

    def parse(self, message):
        p = message.norm_param
        self.across_spatial, self.channel_shared, self.eps = p.across_spatial, p.channel_shared, p.eps
        self.filler = p.scale_filler if p.HasField("scale_filler") else type(p.scale_filler)(type="constant", value=1)

    def shapes(self, bottoms):
        if not 2 <= len(bottoms[0]) <= 4:
            raise ShapeError(f"Normalize takes 2 to 4 axes, not shape {bottoms[0]}")
        return [tuple(bottoms[0])]

    def param_shapes(self, bottoms):
        return [() if self.channel_shared else (bottoms[0][1],)]

    def fillers(self):
        return [self.filler]

    def forward(self, bottoms, params):
        x = bottoms[0].astype(np.float64)
        axes = tuple(range(1, x.ndim)) if self.across_spatial else 1
        y = x / np.sqrt((x * x).sum(axis=axes, keepdims=True) + self.eps)
        scale = params[0].astype(np.float64)
        return [as_f32(y * scale.reshape(scale.shape + (1,) * (x.ndim - 2) * scale.ndim))]

    def lower(self, build, bottoms, tops, params):
        """Squares, their sums as a product with ones, a power of -1/2 spread over the channels, a product, a scale."""
        (x,), (y,) = bottoms, tops
        n, c = x.shape[:2]
        plane = 1 if self.across_spatial else count(x.shape, 2)
        if not count(x.shape):
            return False
        length = count(x.shape, 1) // plane
        x = build.reshaped(x, (n, length, 1, plane))
        squares, sums, factors, spread, product = (
            build.temp((n, channels, 1, plane)) for channels in (length, 1, 1, length, length))
        build.op("unary", [x], [squares], fn="power", p0=2.0, p1=1.0, p2=0.0)
        ones = {"w": np.ones((1, length, 1, 1), np.float32), "b": np.full(1, self.eps, np.float32)}
        build.op("conv", [squares], [sums], ones, kh=1, kw=1, sh=1, sw=1, ph=0, pw=0, dh=1, dw=1, group=1, act=None)
        build.op("unary", [sums], [factors], fn="power", p0=-0.5, p1=1.0, p2=0.0)
        build.copy([factors], spread, [{"shape": (n, length, plane), "x_strides": (plane, 0, 1),
                                        "y_strides": (length * plane, plane, 1)}])
        build.op("eltwise", [x, spread], [product], fn="prod", ca=1.0, cb=1.0, act=None)
        product = build.reshaped(product, y.shape)
        scale = np.full(c, params[0].item(), np.float32) if self.channel_shared else params[0]
        return lower_affine(build, product, y, 1, (c,), scale=scale)
