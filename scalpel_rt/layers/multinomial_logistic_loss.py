"""MultinomialLogisticLoss: the mean of -log of the probability of the true class."""

import numpy as np

from ..errors import ShapeError
from ._base import count
from ._loss import Loss, labels_of, scalar
from ._registry import register

TINY = 1e-20


@register
class MultinomialLogisticLoss(Loss):
    """Probabilities (N, ...) and N labels -> the sum of -log(max(p[label], 1e-20)) over N, ()."""

    type = "MultinomialLogisticLoss"

    def shapes(self, bottoms):
        tops = super().shapes(bottoms)
        if count(bottoms[1], 1) != 1:
            raise ShapeError(f"labels must be one an item, shape (N), (N, 1, 1) or (N, 1, 1, 1), not {bottoms[1]}")
        return tops

    def forward(self, bottoms, params):
        p, target = bottoms
        n = p.shape[0]
        p = p.astype(np.float64).reshape(n, count(p.shape, 1))
        labels, _ = labels_of(target, (n,), p.shape[1])
        return [scalar(-np.log(np.maximum(p[np.arange(n), labels], TINY)).sum() / n)]
