"""ROIAlign: two layers of that name that sample a region between pixels."""

import numpy as np

from ..errors import GraphError
from ._base import as_f32
from ._registry import register
from ._roi import Regions
from .roi_pooling import widened


@register
class ROIAlign(Regions):
    """features (N, C, H, W), regions (R, 5) -> (R, C, PH, PW). Which layer is meant the parameters tell:

    - ``roi_align_param``: Mask R-CNN's (He et al., 2017). The region, at least a pixel wide, is divided into
      pooled_h x pooled_w parts; each is the mean of sampling_ratio^2 bilinear samples, or, when that is not above 0, of
      ceil(region / pooled) along each axis.
    - ``roi_pooling_param``: Cascade R-CNN's. The top holds the (pooled_h + 1) x (pooled_w + 1) corners of the parts,
      for a pooling to average; the region is first widened by ``pad_ratio``, and pixels have their centre at .5.
    """

    type = "ROIAlign"
    origin = "Mask R-CNN and Cascade R-CNN"

    def parse(self, message):
        self.corners = message.HasField("roi_pooling_param")
        if self.corners and message.HasField("roi_align_param"):
            raise GraphError("ROIAlign takes roi_align_param (Mask R-CNN) or roi_pooling_param (Cascade R-CNN), "
                             "not both")
        p = message.roi_pooling_param if self.corners else message.roi_align_param
        self.read(p, (p.pooled_h, p.pooled_w))
        if self.corners:
            self.parts, self.pooled = self.pooled, tuple(n + 1 for n in self.pooled)
            self.pad_ratio = p.pad_ratio
        else:
            self.ratio = p.sampling_ratio

    def forward(self, bottoms, params):
        x = bottoms[0]
        items, corners = self.items(bottoms[1], x.shape[0])
        weights = self._at_corners if self.corners else self._in_parts
        y = np.zeros((len(items), x.shape[1], *self.pooled))
        for r, item in enumerate(items):
            across, down = weights(corners[r], x.shape[2:])
            y[r] = down @ x[item].astype(np.float64) @ across.T
        return [as_f32(y)]

    def _in_parts(self, corners, size):
        """Mask R-CNN's: (PW, W) and (PH, H), what each pixel adds to each part along an axis."""
        low, high = corners[:2].astype(np.float64) * self.scale, corners[2:].astype(np.float64) * self.scale
        found = []
        for axis in (0, 1):
            parts, pixels = self.pooled[1 - axis], size[1 - axis]
            side = max(high[axis] - low[axis], 1.0)
            samples = self.ratio if self.ratio > 0 else int(np.ceil(side / parts))
            at = low[axis] + (np.arange(parts * samples) + 0.5) * (side / parts / samples)
            rows = bilinear(at, pixels, (at >= -1) & (at <= pixels))
            found.append(rows.reshape(parts, samples, pixels).mean(axis=1))
        return found

    def _at_corners(self, corners, size):
        """Cascade R-CNN's: (PW + 1, W) and (PH + 1, H), the weights of each corner along an axis."""
        corners = widened(corners[None], self.pad_ratio)[0].astype(np.float64) * self.scale - 0.5
        sides = corners[2:] - corners[:2]
        found = []
        for axis in (0, 1):
            parts, pixels = self.parts[1 - axis], size[1 - axis]
            at = corners[axis] + np.arange(parts + 1) * sides[axis] / parts
            inside = (at >= -0.5) & (at <= pixels - 0.5) & bool((sides > 0).all())
            found.append(bilinear(at, pixels, inside))
        return found


def bilinear(at, pixels, inside):
    """(len(at), pixels): the weights of linear interpolation at each place, cut to the pixels; 0 where not inside."""
    at = np.clip(at, 0, pixels - 1)
    low = np.floor(at).astype(np.int64)
    rows = np.arange(len(at))
    weights = np.zeros((len(at), pixels))
    weights[rows, low] = 1 - (at - low)
    weights[rows, np.minimum(low + 1, pixels - 1)] += at - low
    return weights * inside[:, None]
