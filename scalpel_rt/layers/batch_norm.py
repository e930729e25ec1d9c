"""BatchNorm: normalisation by stored, or by the batch's own, mean and variance."""

import numpy as np

from ..errors import ShapeError
from ._affine import lower_affine
from ._base import Layer, as_f32
from ._registry import register


@register
class BatchNorm(Layer):
    """(x - mean) / sqrt(variance + eps) for each channel (axis 1), without a learnt scale: that is Scale's work.

    Params: sums of means (C) and of variances (C), and the number (1) to divide both by; where that is 0, as in a net
    without weights, mean and variance count as 0. With ``use_global_stats: false`` (the default in phase TRAIN) the
    batch's own mean and biased variance are used; Caffe then updates the stored ones as well, this library does not.
    """

    type = "BatchNorm"
    in_place = True

    def parse(self, message):
        p = message.batch_norm_param
        self.eps = p.eps
        self.use_global_stats = p.use_global_stats if p.HasField("use_global_stats") else self.phase == "TEST"

    def channels(self, shape):
        if len(shape) < 2:
            raise ShapeError(f"the bottom needs at least 2 axes, its shape is {tuple(shape)}")
        return shape[1]

    def shapes(self, bottoms):
        self.channels(bottoms[0])
        return [tuple(bottoms[0])]

    def param_shapes(self, bottoms):
        c = self.channels(bottoms[0])
        return [(c,), (c,), (1,)]

    def statistics(self, params):
        """Stored mean and variance, float64 (C)."""
        mean, variance, number = (p.astype(np.float64) for p in params)
        factor = 1.0 / number.item() if number.item() else 0.0
        return mean * factor, variance * factor

    def forward(self, bottoms, params):
        x = bottoms[0].astype(np.float64)
        shape = (1, -1, *[1] * (x.ndim - 2))
        with np.errstate(all="ignore"):
            if self.use_global_stats:
                mean, variance = (v.reshape(shape) for v in self.statistics(params))
            else:
                axes = (0, *range(2, x.ndim))
                mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
            return [as_f32((x - mean) / np.sqrt(variance + self.eps))]

    def lower(self, build, bottoms, tops, params):
        if not self.use_global_stats:
            return False
        mean, variance = self.statistics(params)
        with np.errstate(all="ignore"):
            scale = 1.0 / np.sqrt(variance + self.eps)
            return lower_affine(build, bottoms[0], tops[0], 1, mean.shape, scale, -mean * scale)
