"""PriorBox: the boxes that SSD starts from, at each cell of a feature map."""

import numpy as np

from ..errors import GraphError, ShapeError
from ._base import Layer, as_f32
from ._registry import register

MOST_PIXELS = 2**24     # of a box; every whole number up to there is one in float32


@register
class PriorBox(Layer):
    """features (N, C, H, W), image (N, C, IH, IW) -> (1, 2, H W P 4): corners of the boxes, then their variances.

    At each cell, for each min_size: a square of it; a square of sqrt(min_size max_size), where there is a max_size; and
    a box of min_size for each further aspect ratio. With ``flip`` an aspect ratio also stands for its inverse; those
    that are there already are left out. Centres are (cell + offset) step, the step by default image / features.
    Coordinates are parts of the image, cut to 0..1 with ``clip``. As in SSD, sizes are truncated to integers.

    Only the shapes of the bottoms matter, so the top is a constant.
    """

    type = "PriorBox"
    origin = "SSD"
    bottoms = (2, 2)

    def parse(self, message):
        p = message.prior_box_param
        self.min_sizes, self.max_sizes = tuple(p.min_size), tuple(p.max_size)
        if not self.min_sizes or not all(0 < size < MOST_PIXELS for size in self.min_sizes):
            raise GraphError(f"prior_box_param min_size must be given, above 0 and below {MOST_PIXELS}, not "
                             f"{list(self.min_sizes)}")
        if self.max_sizes and (len(self.max_sizes) != len(self.min_sizes)
                               or not all(a < b < MOST_PIXELS
                                          for a, b in zip(self.min_sizes, self.max_sizes, strict=True))):
            raise GraphError(f"prior_box_param max_size {list(self.max_sizes)} must have one value above each min_size "
                             f"{list(self.min_sizes)}, below {MOST_PIXELS}")
        self.ratios = [1.0]
        for ratio in p.aspect_ratio:
            if not 1 / MOST_PIXELS < ratio < MOST_PIXELS:
                raise GraphError(f"prior_box_param aspect_ratio must be above 0, between 1 to {MOST_PIXELS} and "
                                 f"{MOST_PIXELS} to 1, not {ratio:g}")
            if all(abs(ratio - other) >= 1e-6 for other in self.ratios):
                self.ratios += [ratio, 1 / ratio] if p.flip else [ratio]
        self.variance = tuple(p.variance) or (0.1,)
        if len(self.variance) not in (1, 4) or min(self.variance) <= 0:
            raise GraphError(f"prior_box_param variance must be 1 or 4 values above 0, not {list(self.variance)}")
        self.image = _pair(p, "img_h", "img_w", "img_size")
        self.step = _pair(p, "step_h", "step_w", "step")
        self.offset, self.clip = p.offset, p.clip

    def sizes(self):
        """(P, 2): widths and heights of the boxes of a cell, in pixels."""
        found = []
        for i, low in enumerate(int(size) for size in self.min_sizes):
            found.append((low, low))
            if self.max_sizes:
                found.append((np.sqrt(low * int(self.max_sizes[i])),) * 2)
            found += [(low * np.sqrt(ratio), low / np.sqrt(ratio)) for ratio in self.ratios if abs(ratio - 1) >= 1e-6]
        return np.array(found, dtype=np.float64)

    def shapes(self, bottoms):
        features, image = bottoms
        if len(features) != 4 or len(image) != 4 or 0 in (*features[2:], *image[2:]):
            raise ShapeError(f"PriorBox takes features and an image of shape (N, C, H, W), not {features} and {image}")
        return [(1, 2, features[2] * features[3] * len(self.sizes()) * 4)]

    def boxes(self, features, image):
        """The top for the shapes of the bottoms."""
        cells = np.array(features[2:], np.float64)                              # height, width
        image = np.array(self.image or image[2:], np.float64)
        step = np.array(self.step, np.float64) if self.step else image / cells
        y, x = ((np.arange(n) + self.offset) * s for n, s in zip(features[2:], step, strict=True))
        centres = np.stack(np.meshgrid(x, y), axis=-1)[:, :, None]              # (H, W, 1, 2): x, y
        halves = self.sizes() / 2
        corners = np.concatenate([centres - halves, centres + halves], axis=-1) / np.tile(image[::-1], 2)
        if self.clip:
            corners = np.clip(corners, 0, 1)
        variances = np.broadcast_to(self.variance, corners.shape)
        return as_f32(np.stack([corners.ravel(), variances.ravel()])[None])

    def forward(self, bottoms, params):
        return [self.boxes(bottoms[0].shape, bottoms[1].shape)]

    def lower(self, build, bottoms, tops, params):
        build.op("fill", [], tops, {"value": self.boxes(bottoms[0].shape, bottoms[1].shape)})
        return True


def _pair(param, h, w, both):
    """(height, width) given together or one by one; None when neither is."""
    if param.HasField(h) or param.HasField(w):
        if param.HasField(both):
            raise GraphError(f"prior_box_param has both {both} and {h} or {w}")
        values = getattr(param, h), getattr(param, w)
    elif param.HasField(both):
        values = (getattr(param, both),) * 2
    else:
        return None
    if min(values) <= 0:
        raise GraphError(f"prior_box_param {h}, {w} or {both} must be above 0, not {values}")
    return values
