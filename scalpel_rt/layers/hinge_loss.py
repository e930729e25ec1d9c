"""HingeLoss: one against all."""

import numpy as np

from ..errors import ShapeError
from ._base import count
from ._loss import Loss, labels_of, scalar
from ._registry import register


@register
class HingeLoss(Loss):
    """Scores x (N, ...) and N labels -> the sum of max(0, 1 + s)^p over N, (); s is -x for the true class, else x.

    p is 1 or 2 (``norm``). The classes are all elements of an item, as in Caffe.
    """

    type = "HingeLoss"

    def parse(self, message):
        self.power = int(message.hinge_loss_param.norm)

    def shapes(self, bottoms):
        tops = super().shapes(bottoms)
        if count(bottoms[1]) < bottoms[0][0]:
            raise ShapeError(f"scores {bottoms[0]} need {bottoms[0][0]} labels, but the labels have shape {bottoms[1]}")
        return tops

    def forward(self, bottoms, params):
        x, target = bottoms
        n = x.shape[0]
        margins = x.astype(np.float64).reshape(n, count(x.shape, 1))
        labels, _ = labels_of(target.ravel()[:n], (n,), margins.shape[1])
        margins[np.arange(n), labels] *= -1
        return [scalar((np.maximum(0, 1 + margins) ** self.power).sum() / n)]
