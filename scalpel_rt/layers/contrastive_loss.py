"""ContrastiveLoss: pulls similar pairs together and pushes others apart (Hadsell, Chopra, LeCun, 2006)."""

import numpy as np

from ..errors import ShapeError
from ._base import count
from ._loss import Loss, scalar
from ._registry import register


@register
class ContrastiveLoss(Loss):
    """a (N, C), b (N, C), y (N) -> (), with d the distance of a pair:

    sum(y ? d^2 : max(margin - d, 0)^2) / (2 N), or with ``legacy_version`` max(margin - d^2, 0) for the others.
    y counts as similar when it is not 0 after truncation.
    """

    type = "ContrastiveLoss"
    bottoms = (3, 3)

    def parse(self, message):
        self.margin = message.contrastive_loss_param.margin
        self.legacy = message.contrastive_loss_param.legacy_version

    def shapes(self, bottoms):
        a, b, y = bottoms
        tops = super().shapes(bottoms)
        for what, shape in (("first features", a), ("second features", b)):
            if len(shape) < 2 or len(shape) > 4 or count(shape, 2) != 1:
                raise ShapeError(f"{what} must have shape (N, C), (N, C, 1) or (N, C, 1, 1), not {shape}")
        if a[1] != b[1]:
            raise ShapeError(f"the features {a} and {b} must have as many channels")
        if count(y, 1) != 1 or not y or y[0] != a[0]:
            raise ShapeError(f"features {a} need {a[0]} numbers that tell whether a pair is similar, not {y}")
        return tops

    def forward(self, bottoms, params):
        a, b, y = bottoms
        n = a.shape[0]
        squares = ((a.astype(np.float64) - b.astype(np.float64).reshape(a.shape)) ** 2).reshape(a.shape[:2]).sum(axis=1)
        if self.legacy:
            apart = np.maximum(self.margin - squares, 0)
        else:
            apart = np.maximum(self.margin - np.sqrt(squares), 0) ** 2
        similar = np.trunc(y.ravel()) != 0
        return [scalar(np.where(similar, squares, apart).sum() / n / 2)]
