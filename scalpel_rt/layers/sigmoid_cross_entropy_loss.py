"""SigmoidCrossEntropyLoss: cross entropy of sigmoid(x) against targets in [0, 1]."""

import numpy as np

from ._base import count
from ._loss import Loss, Normalizer, scalar
from ._registry import register


@register
class SigmoidCrossEntropyLoss(Loss):
    """x and t of equal counts -> sum(log(1 + exp(x)) - x t) / normaliser, ().

    Unlike the other losses it divides by the batch size by default. ``ignore_label`` is compared with the target
    truncated to an integer, so 0 also ignores targets such as 0.5.
    """

    type = "SigmoidCrossEntropyLoss"

    def parse(self, message):
        self.ignore = message.loss_param.ignore_label if message.loss_param.HasField("ignore_label") else None
        self.normalizer = Normalizer(message.loss_param, default="BATCH_SIZE")

    def shapes(self, bottoms):
        tops = super().shapes(bottoms)
        self.same_count(bottoms)
        return tops

    def forward(self, bottoms, params):
        x, t = (b.astype(np.float64).ravel() for b in bottoms)
        counts = np.ones(x.shape, bool) if self.ignore is None else np.trunc(t) != self.ignore
        losses = np.maximum(x, 0) - x * t + np.log1p(np.exp(-np.abs(x)))
        shape = bottoms[0].shape
        return [scalar(losses[counts].sum()
                       / self.normalizer(shape[0], count(shape, 1), int(counts.sum())))]
