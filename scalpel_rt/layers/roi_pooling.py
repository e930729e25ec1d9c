"""ROIPooling: the maximum in each part of a region (Girshick, Fast R-CNN, 2015)."""

import numpy as np

from ._base import as_f32
from ._registry import register
from ._roi import Regions, bins, half_away


@register
class ROIPooling(Regions):
    """features (N, C, H, W), regions (R, 5) -> (R, C, pooled_h, pooled_w).

    The corners are scaled and rounded to pixels that belong to the region; a part without pixels is 0. ``pad_ratio``
    first widens the region by that part of its sides (Cascade R-CNN).
    """

    type = "ROIPooling"
    origin = "Fast R-CNN"

    def parse(self, message):
        p = message.roi_pooling_param
        self.read(p, (p.pooled_h, p.pooled_w))
        self.pad_ratio = p.pad_ratio

    def forward(self, bottoms, params):
        x = bottoms[0]
        items, corners = self.items(bottoms[1], x.shape[0])
        corners = half_away(widened(corners, self.pad_ratio) * np.float32(self.scale))
        sides = np.maximum(corners[:, 2:] - corners[:, :2] + 1, 1)
        left, right = bins(corners[:, 0], sides[:, 0], self.pooled[1], x.shape[3], whole=True)
        top, bottom = bins(corners[:, 1], sides[:, 1], self.pooled[0], x.shape[2], whole=True)
        y = np.zeros((len(items), x.shape[1], *self.pooled), np.float32)
        for r, item in enumerate(items):
            for i, (y0, y1) in enumerate(zip(top[r], bottom[r], strict=True)):
                if y1 <= y0:
                    continue
                rows = x[item, :, y0:y1].max(axis=1)
                for j, (x0, x1) in enumerate(zip(left[r], right[r], strict=True)):
                    if x1 > x0:
                        y[r, :, i, j] = rows[:, x0:x1].max(axis=1)
        return [y]


def widened(corners, ratio):
    """Corners (R, 4) moved outwards by ``ratio`` times the sides, counted in pixels."""
    pad = (corners[:, 2:] - corners[:, :2] + 1) * np.float32(ratio)
    return as_f32(np.concatenate([corners[:, :2] - pad, corners[:, 2:] + pad], axis=1))
