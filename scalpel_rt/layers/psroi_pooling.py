"""PSROIPooling: each part of a region averaged in channels of its own (Dai, Li, He, Sun, R-FCN, 2016)."""

import numpy as np

from ..errors import ShapeError
from ._base import as_f32
from ._registry import register
from ._roi import Regions, bins, half_away


@register
class PSROIPooling(Regions):
    """features (N, D G G, H, W), regions (R, 5) -> (R, D, G, G), with D ``output_dim`` and G ``group_size``.

    Part (i, j) of output d averages channel (d G + i) G + j; a part without pixels is 0.
    """

    type = "PSROIPooling"
    origin = "R-FCN"

    def parse(self, message):
        p = message.psroi_pooling_param
        self.read(p, (p.group_size, p.group_size))
        self.output_dim = p.output_dim

    def channels(self, channels):
        if channels != self.output_dim * self.pooled[0] ** 2 or self.output_dim < 1:
            raise ShapeError(f"output_dim {self.output_dim} and group_size {self.pooled[0]} need "
                             f"{self.output_dim * self.pooled[0] ** 2} channels, the features have {channels}")
        return self.output_dim

    def forward(self, bottoms, params):
        x = bottoms[0]
        n, _, height, width = x.shape
        g = self.pooled[0]
        items, corners = self.items(bottoms[1], n)
        corners, scale = half_away(corners), np.float32(self.scale)
        start, end = corners[:, :2] * scale, (corners[:, 2:] + 1) * scale
        sides = np.maximum(end - start, np.float32(0.1))
        left, right = bins(start[:, 0], sides[:, 0], g, width)
        top, bottom = bins(start[:, 1], sides[:, 1], g, height)
        x = x.reshape(n, self.output_dim, g, g, height, width)
        y = np.zeros((len(items), self.output_dim, g, g))
        for r, item in enumerate(items):
            for i, (y0, y1) in enumerate(zip(top[r], bottom[r], strict=True)):
                for j, (x0, x1) in enumerate(zip(left[r], right[r], strict=True)):
                    if y1 > y0 and x1 > x0:
                        y[r, :, i, j] = x[item, :, i, j, y0:y1, x0:x1].mean(axis=(1, 2), dtype=np.float64)
        return [as_f32(y)]
