"""MVN: mean and variance normalisation of each image by its own numbers."""

import numpy as np

from ..errors import ShapeError
from ._base import Layer, as_f32, count
from ._registry import register


@register
class MVN(Layer):
    """(x - mean) / (sqrt(variance) + eps) for each channel of each item, or with ``across_channels`` each item; only
    x - mean without ``normalize_variance``. The variance is the biased one. The top always has 4 axes.
    """

    type = "MVN"
    in_place = True

    def parse(self, message):
        p = message.mvn_param
        self.normalize_variance, self.across_channels, self.eps = p.normalize_variance, p.across_channels, p.eps

    def shapes(self, bottoms):
        shape = tuple(bottoms[0])
        if len(shape) > 4:
            raise ShapeError(f"the bottom may have up to 4 axes, its shape is {shape}")
        return [shape + (1,) * (4 - len(shape))]

    def forward(self, bottoms, params):
        x = bottoms[0].reshape(self.shapes([bottoms[0].shape])[0]).astype(np.float64)
        axes = (1, 2, 3) if self.across_channels else (2, 3)
        with np.errstate(all="ignore"):
            y = x - x.mean(axes, keepdims=True)
            if self.normalize_variance:
                y /= np.sqrt(np.square(y).mean(axes, keepdims=True)) + self.eps
            return [as_f32(y)]

    def lower(self, build, bottoms, tops, params):
        shape = tops[0].shape
        rows = shape[0] if self.across_channels else shape[0] * shape[1]
        k = count(shape) // max(rows, 1)
        if k == 0:
            return False
        flat, each = (rows, 1, k), np.full((1, k), 1 / k, np.float32)
        minus_mean, variance, deviation, inverse = (build.temp((rows, 1)) for _ in range(4))
        build.op("fc", [build.reshaped(bottoms[0], (rows, k))], [minus_mean], {"w": -each}, act=None)
        y, done = build.into(tops[0], flat)
        centred = build.temp(flat) if self.normalize_variance else y
        build.op("broadcast", [build.reshaped(bottoms[0], flat), minus_mean], [centred], fn="add", s_outer=1)
        if self.normalize_variance:
            square = build.temp(flat)
            build.op("eltwise", [centred, centred], [square], fn="prod", ca=1.0, cb=1.0, act=None)
            build.op("fc", [build.reshaped(square, (rows, k))], [variance], {"w": each}, act=None)
            build.op("unary", [variance], [deviation], fn="power", p0=0.5, p1=1.0, p2=0.0)
            build.op("unary", [deviation], [inverse], fn="power", p0=-1.0, p1=1.0, p2=self.eps)
            build.op("broadcast", [centred, inverse], [y], fn="mul", s_outer=1)
        done()
        return True
