"""SoftmaxWithLoss: the mean of -log softmax(x)[label]."""

import numpy as np

from ..errors import GraphError, ShapeError
from ._base import as_f32
from ._forks import given, listed
from ._loss import Loss, Normalizer, label_axes, labels_of, log_softmax, scalar
from ._registry import register

TINY = float(np.finfo(np.float32).tiny)


@register
class SoftmaxWithLoss(Loss):
    """x (..., C, ...) and as many labels as positions -> loss () [, softmax(x) of x's shape].

    The class axis is ``softmax_param.axis``; probabilities count as at least FLT_MIN; the sum is divided as
    ``loss_param`` says. With ``ignore_label`` such positions do not count.

    SegNet's ``weight_by_label_freqs`` multiplies each position's loss by the ``class_weighting`` of its label.

    The second top, the probabilities, worked in Caffe up to 2016 and ends in a failed check since: here it works.
    """

    type = "SoftmaxWithLoss"
    tops = (1, 2)

    def parse(self, message):
        self.class_axis = message.softmax_param.axis
        self.ignore = message.loss_param.ignore_label if message.loss_param.HasField("ignore_label") else None
        self.normalizer = Normalizer(message.loss_param)
        self.class_weights = None
        if given(message.loss_param, "weight_by_label_freqs", False):
            self.class_weights = np.array(listed(message.loss_param, "class_weighting"))
            if not len(self.class_weights):
                raise GraphError("loss_param weight_by_label_freqs needs a class_weighting for each class")

    def shapes(self, bottoms):
        super().shapes(bottoms)
        axis = self.axis(self.class_axis, bottoms[0], "softmax_param axis")
        _, classes, _ = label_axes(bottoms[0], axis, bottoms[1], self.type)
        if self.class_weights is not None and len(self.class_weights) != classes:
            raise ShapeError(f"{len(self.class_weights)} class_weighting values for {classes} classes, "
                             f"predictions {bottoms[0]}")
        return [(), tuple(bottoms[0])][:max(1, len(self.message.top))]

    def forward(self, bottoms, params):
        x, target = bottoms
        axis = self.axis(self.class_axis, x.shape)
        outer, classes, inner = label_axes(x.shape, axis, target.shape, self.type)
        logp = log_softmax(x.astype(np.float64).reshape(outer, classes, inner))
        labels, counts = labels_of(target, (outer, inner), classes, self.ignore)
        picked = np.take_along_axis(logp, labels[:, None], axis=1)[:, 0]
        losses = -np.maximum(picked, np.log(TINY))
        if self.class_weights is not None:
            losses = losses * self.class_weights[labels]
        total = losses[counts].sum()
        loss = total / self.normalizer(outer, inner, int(counts.sum()))
        return [scalar(loss), as_f32(np.exp(logp).reshape(x.shape))][:max(1, len(self.message.top))]
