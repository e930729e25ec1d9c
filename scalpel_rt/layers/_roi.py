"""What the layers that look at regions of a feature map share."""

import numpy as np

from ..errors import GraphError, ShapeError
from ._base import Layer, as_f32, count
from ._index import to_index


class Regions(Layer):
    """features (N, C, H, W), regions (R, 5) [item, xmin, ymin, xmax, ymax] in pixels of the image -> (R, C', PH, PW).

    ``spatial_scale`` is how many pixels of the features a pixel of the image is.
    """

    bottoms = (2, 2)

    def read(self, p, pooled):
        """Take over the size of the top and the scale; GraphError for a size of 0."""
        self.pooled, self.scale = pooled, p.spatial_scale
        if min(pooled) < 1:
            raise GraphError(f"{self.type} needs a pooled size above 0, not {pooled}")

    def channels(self, channels):
        """Channels of the top from those of the features."""
        return channels

    def shapes(self, bottoms):
        x, regions = bottoms
        if len(x) != 4 or not regions or count(regions, 1) != 5:
            raise ShapeError(f"{self.type} takes features (N, C, H, W) and regions (R, 5), not {x} and {regions}")
        return [(regions[0], self.channels(x[1]), *self.pooled)]

    def items(self, regions, n):
        """(item of each region, corners (R, 4)) of the second bottom, for features of n items."""
        regions = regions.reshape(regions.shape[0], 5)
        return to_index(regions[:, 0], n, "item of a region", "items in the features"), regions[:, 1:]


def half_away(x):
    """C's round: to the nearest integer, halves away from 0; float32."""
    x = x.astype(np.float64)
    return as_f32(np.trunc(x + np.copysign(0.5, x)))


def bins(start, size, n, limit, whole=False):
    """First and last (excluded) index of n bins that divide ``size`` from ``start`` on, cut to 0..limit.

    start and size (R,) float32 -> two (R, n) int arrays. A bin has every index that it touches, so neighbours may
    share one. This is float32 arithmetic as in Caffe, whose roundings decide where an edge falls on an index;
    ``whole`` says that a start is an integer, which Caffe then adds after rounding.
    """
    edges = np.arange(n + 1, dtype=np.float32) * (size / np.float32(n))[:, None]
    before, after = (0, start[:, None]) if whole else (start[:, None], 0)
    low, high = np.floor(edges[:, :-1] + before) + after, np.ceil(edges[:, 1:] + before) + after
    return np.clip(low, 0, limit).astype(np.int64), np.clip(high, 0, limit).astype(np.int64)
