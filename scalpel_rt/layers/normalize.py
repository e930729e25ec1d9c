"""Normalize: each position's (or item's) vector to length 1, times a learnt scale (Liu, Rabinovich, Berg, 2015)."""

import numpy as np

from ..errors import ShapeError
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
        n, c = bottoms[0].shape[:2]
        plane = count(bottoms[0].shape, 2)
        scale = np.full(c, params[0].item(), np.float32) if self.channel_shared else params[0]
        shape = (n, c, plane)
        if self.across_spatial:
            shape, scale = (n, c * plane, 1), scale.repeat(plane)
        y, done = build.into(tops[0], shape)
        build.op("norm", [build.reshaped(bottoms[0], shape)], [y], {"scale": scale}, guard=0, eps=self.eps)
        done()
        return True
