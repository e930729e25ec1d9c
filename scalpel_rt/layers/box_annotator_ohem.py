"""BoxAnnotatorOHEM: keeps the labels of the hardest regions (Shrivastava, Gupta, Girshick, 2016; R-FCN)."""

import numpy as np

from ..errors import GraphError, ShapeError
from ._base import Layer, as_f32, count
from ._boxes import best_first
from ._registry import register


@register
class BoxAnnotatorOHEM(Layer):
    """regions (R, 5, ...), loss (R, 1, ...), labels (R, 1, ...), weights (R, K, ...) -> labels, weights, 4-D.

    For each item the ``roi_per_img`` positions with the largest loss keep their label and weights; the others get
    ``ignore_label`` and zeros.
    """

    type = "BoxAnnotatorOHEM"
    origin = "R-FCN"
    bottoms = (4, 4)
    tops = (2, 2)

    def parse(self, message):
        p = message.box_annotator_ohem_param
        self.per_item, self.ignore = p.roi_per_img, p.ignore_label
        if self.per_item < 1:
            raise GraphError("box_annotator_ohem_param roi_per_img must be above 0, not 0")

    def shapes(self, bottoms):
        if any(not 1 <= len(b) <= 4 for b in bottoms):
            raise ShapeError(f"BoxAnnotatorOHEM takes up to 4 axes, not {', '.join(map(str, bottoms))}")
        regions, loss, labels, weights = ((*b, 1, 1, 1)[:4] for b in bottoms)
        n, k, *space = regions
        if k != 5 or loss != (n, 1, *space) or labels != (n, 1, *space) or (weights[0], *weights[2:]) != (n, *space):
            raise ShapeError("regions (R, 5, H, W), loss (R, 1, H, W), labels (R, 1, H, W) and weights (R, K, H, W) do "
                             f"not fit: {', '.join(map(str, bottoms))}")
        return [labels, weights]

    def forward(self, bottoms, params):
        label_shape, weight_shape = self.shapes([b.shape for b in bottoms])
        n, space = label_shape[0], count(label_shape, 2)
        items = bottoms[0].reshape(n, 5, space)[:, 0].ravel()
        chosen = np.zeros(n * space, bool)
        for item in np.unique(items):
            mine = np.flatnonzero(items == item)
            chosen[mine[best_first(bottoms[1].ravel()[mine], self.per_item)]] = True
        labels = np.where(chosen, bottoms[2].ravel(), self.ignore)
        weights = np.where(chosen.reshape(n, 1, space), bottoms[3].reshape(n, weight_shape[1], space), 0)
        return [as_f32(labels.reshape(label_shape)), as_f32(weights.reshape(weight_shape))]
