"""MVN: mean and variance normalisation of each image by its own numbers."""

import numpy as np

from ..errors import ShapeError
from ._base import Layer, as_f32
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
