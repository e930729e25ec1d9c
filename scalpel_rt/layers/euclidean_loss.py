"""EuclideanLoss: half the mean over the batch of the squared distance."""

import numpy as np

from ..errors import ShapeError
from ._base import count
from ._loss import Loss, scalar
from ._registry import register


@register
class EuclideanLoss(Loss):
    """x and t of N items of equal size -> sum((x - t)^2) / (2 N), ()."""

    type = "EuclideanLoss"

    def shapes(self, bottoms):
        tops = super().shapes(bottoms)
        if count(bottoms[0], 1) != count(bottoms[1], 1):
            raise ShapeError(f"predictions {bottoms[0]} and targets {bottoms[1]} must have as many elements an item: "
                             f"{count(bottoms[0], 1)} and {count(bottoms[1], 1)}")
        return tops

    def forward(self, bottoms, params):
        x, t = (b.astype(np.float64) for b in bottoms)
        difference = x.ravel() - t.ravel()
        return [scalar(difference @ difference / x.shape[0] / 2)]
