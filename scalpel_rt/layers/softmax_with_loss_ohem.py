"""SoftmaxWithLossOHEM: SoftmaxWithLoss that also tells the loss of each position (R-FCN)."""

import numpy as np

from ._base import as_f32
from ._loss import label_axes, labels_of, log_softmax, scalar
from ._registry import register
from .softmax_with_loss import TINY, SoftmaxWithLoss


@register
class SoftmaxWithLossOHEM(SoftmaxWithLoss):
    """x (..., C, ...) and as many labels as positions -> loss () [, softmax(x) [, losses in the labels' shape]]."""

    type = "SoftmaxWithLossOHEM"
    origin = "R-FCN"
    tops = (1, 3)

    def shapes(self, bottoms):
        loss, *rest = super().shapes(bottoms)
        return [loss, tuple(bottoms[0]), tuple(bottoms[1])][:max(1, len(self.message.top))]

    def forward(self, bottoms, params):
        x, target = bottoms
        axis = self.axis(self.class_axis, x.shape)
        outer, classes, inner = label_axes(x.shape, axis, target.shape, self.type)
        logp = log_softmax(x.astype(np.float64).reshape(outer, classes, inner))
        labels, counts = labels_of(target, (outer, inner), classes, self.ignore)
        picked = np.take_along_axis(logp, labels[:, None], axis=1)[:, 0]
        losses = np.where(counts, -np.maximum(picked, np.log(TINY)), 0)
        return [scalar(losses.sum() / self.normalizer(outer, inner, int(counts.sum()))),
                as_f32(np.exp(logp).reshape(x.shape)), as_f32(losses.reshape(target.shape))
                ][:max(1, len(self.message.top))]
