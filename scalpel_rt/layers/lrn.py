"""LRN: local response normalisation."""

import math

import numpy as np

from ..errors import GraphError, ShapeError
from ._base import Layer, as_f32
from ._registry import register
from ._windows import taps


@register
class LRN(Layer):
    """x * scale^-beta, where scale is k + alpha/n times the sum of squares of the n channels around, or, within a
    channel, 1 + alpha/n^2 times that of the n x n pixels around. Within a channel Caffe does not use k.
    """

    type = "LRN"
    in_place = True

    def parse(self, message):
        p = message.lrn_param
        self.size, self.alpha, self.beta, self.k = p.local_size, p.alpha, p.beta, p.k
        self.within = p.norm_region == p.WITHIN_CHANNEL
        if self.size % 2 == 0:
            raise GraphError(f"local_size must be odd, not {self.size}")
        for name in ("alpha", "beta", "k"):
            if not math.isfinite(getattr(self, name)):
                raise GraphError(f"lrn_param {name} must be finite, not {getattr(self, name)}")

    def shapes(self, bottoms):
        if len(bottoms[0]) != 4:
            raise ShapeError(f"the bottom must have 4 axes, its shape is {tuple(bottoms[0])}")
        return [tuple(bottoms[0])]

    def forward(self, bottoms, params):
        return [as_f32(normalise(bottoms[0], self.within, self.size, self.alpha, self.beta, self.k))]

    def lower(self, build, bottoms, tops, params):
        if self.size > 2 * max(bottoms[0].shape[1:]) + 1:
            return False                # a window far beyond the blob: not what kernels are made for
        build.op("lrn", bottoms, tops, region="within" if self.within else "across", size=self.size, alpha=self.alpha,
                 beta=self.beta, k=self.k)
        return True


def normalise(x, within, size, alpha, beta, k):
    """Local response normalisation of x (N, C, H, W) in float64."""
    x = x.astype(np.float64)
    with np.errstate(all="ignore"):
        square = x * x
        if within:
            scale = 1.0 + alpha / (size * size) * box_sum(square, (2, 3), size)
        else:
            scale = k + alpha / size * box_sum(square, (1,), size)
        return x * scale ** -beta


def box_sum(x, axes, size):
    """For each element the sum of those up to size // 2 away from it along each of ``axes``, zeros outside."""
    for axis in axes:
        x = np.moveaxis(x, axis, -1)
        n, half = x.shape[-1], min(size // 2, x.shape[-1] - 1)
        y = np.zeros_like(x)
        for _, (windows,), (pixels,) in taps((n,), (n,), (2 * half + 1,), (1,), (half,), (1,)):
            y[..., windows] += x[..., pixels]
        x = np.moveaxis(y, -1, axis)
    return x
