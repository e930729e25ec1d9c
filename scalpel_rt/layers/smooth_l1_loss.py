"""SmoothL1Loss: a squared difference that turns linear (Girshick, Fast R-CNN, 2015)."""

import numpy as np

from ..errors import GraphError, ShapeError
from ._loss import Loss, scalar
from ._registry import register


@register
class SmoothL1Loss(Loss):
    """Predictions, targets [, inner weights [, outer weights]] (N, ...) -> the sum over N, ().

    With d = inner (prediction - target) and s = sigma: outer (s d)^2 / 2 where |d| < 1/s^2, else outer (|d| - 1/2s^2).
    """

    type = "SmoothL1Loss"
    origin = "Fast R-CNN"
    bottoms = (2, 4)

    def parse(self, message):
        self.sigma = message.smooth_l1_loss_param.sigma
        if not self.sigma > 0:
            raise GraphError(f"smooth_l1_loss_param sigma must be above 0, not {self.sigma:g}")

    def shapes(self, bottoms):
        tops = super().shapes(bottoms)
        for other in bottoms[1:]:
            if other != bottoms[0]:
                raise ShapeError(f"all bottoms must have one shape, not {bottoms[0]} and {other}")
        return tops

    def forward(self, bottoms, params):
        errors = smooth_l1(bottoms, self.sigma)
        if len(bottoms) == 4:
            errors = errors * bottoms[3]
        return [scalar(errors.sum() / bottoms[0].shape[0])]


def smooth_l1(bottoms, sigma=1.0):
    """The error of each element, float64, of [prediction, target, weights, ...]; weights multiply the difference."""
    d = bottoms[0].astype(np.float64) - bottoms[1]
    if len(bottoms) > 2:
        d = d * bottoms[2]
    d, square = np.abs(d), sigma * sigma
    return np.where(d < 1 / square, 0.5 * square * d * d, d - 0.5 / square)
