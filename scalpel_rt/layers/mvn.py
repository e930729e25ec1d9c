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
        x = bottoms[0].reshape(self.shapes([bottoms[0].shape])[0])
        axes = (1, 2, 3) if self.across_channels else (2, 3)
        with np.errstate(all="ignore"):
            return [as_f32(standardise(x, axes, self.eps if self.normalize_variance else None))]

    def lower(self, build, bottoms, tops, params):
        shape = tops[0].shape
        rows = shape[0] if self.across_channels else shape[0] * shape[1]
        flat = (rows, count(shape) // max(rows, 1))
        y, done = build.into(tops[0], flat)
        build.op("mvn", [build.reshaped(bottoms[0], flat)], [y], variance=int(self.normalize_variance), eps=self.eps)
        done()
        return True


def standardise(x, axes, eps):
    """(x - mean) / (deviation + eps) over ``axes``, in float64; x - mean where ``eps`` is None."""
    x = x.astype(np.float64)
    y = x - x.mean(axes, keepdims=True)
    return y if eps is None else y / (np.sqrt(np.square(y).mean(axes, keepdims=True)) + eps)
