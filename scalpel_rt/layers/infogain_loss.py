"""InfogainLoss: the multinomial logistic loss with a matrix that says how much each mistake costs."""

import os

import numpy as np

from ..errors import FormatError, GraphError, ShapeError
from ._base import as_f32, count
from ._loss import Loss, Normalizer, label_axes, labels_of, log_softmax, scalar
from ._registry import register

TINY = 1e-20


@register
class InfogainLoss(Loss):
    """Scores x (..., C, ...), labels [, H (C, C)] -> -sum(H[label] . log softmax(x)) / normaliser, () [, softmax(x)].

    The matrix H is the third bottom or the ``source`` of ``infogain_loss_param``, a binaryproto file that is read when
    the shapes are first asked for. The softmax is done here, along ``infogain_loss_param.axis``; probabilities count as
    at least 1e-20.
    """

    type = "InfogainLoss"
    bottoms = (2, 3)
    tops = (1, 2)

    def parse(self, message):
        self.class_axis = message.infogain_loss_param.axis
        self.source = message.infogain_loss_param.source
        self.ignore = message.loss_param.ignore_label if message.loss_param.HasField("ignore_label") else None
        self.normalizer = Normalizer(message.loss_param)
        self._matrix = None

    def shapes(self, bottoms):
        super().shapes(bottoms)
        axis = self.axis(self.class_axis, bottoms[0], "infogain_loss_param axis")
        _, classes, _ = label_axes(bottoms[0], axis, bottoms[1], self.type)
        matrix = bottoms[2] if len(bottoms) > 2 else self.matrix().shape
        if count(matrix) != classes * classes:
            raise ShapeError(f"scores {bottoms[0]} have {classes} classes on axis {axis}, so the infogain matrix needs "
                             f"{classes} x {classes} elements, but it has shape {tuple(matrix)}")
        return [(), tuple(bottoms[0])][:max(1, len(self.message.top))]

    def matrix(self):
        """The matrix of ``source``, read once."""
        if self._matrix is None:
            if not self.source:
                raise GraphError("InfogainLoss needs its matrix: a third bottom, or infogain_loss_param { source: }")
            if not os.path.isfile(self.source):
                raise FormatError(f"there is no file {self.source!r} with the infogain matrix")
            from ..caffe.weights import read_blobproto

            try:
                self._matrix = read_blobproto(self.source)
            except OSError as error:
                raise FormatError(f"the infogain matrix cannot be read: {error}") from error
        return self._matrix

    def forward(self, bottoms, params):
        x, target = bottoms[:2]
        axis = self.axis(self.class_axis, x.shape)
        outer, classes, inner = label_axes(x.shape, axis, target.shape, self.type)
        matrix = (bottoms[2] if len(bottoms) > 2 else self.matrix()).astype(np.float64).reshape(classes, classes)
        logp = log_softmax(x.astype(np.float64).reshape(outer, classes, inner))
        labels, counts = labels_of(target, (outer, inner), classes, self.ignore)
        gains = np.moveaxis(matrix[labels], 2, 1)                   # (O, C, I): the row of each position's label
        total = -(gains * np.maximum(logp, np.log(TINY))).sum(axis=1)[counts].sum()
        loss = total / self.normalizer(outer, inner, int(counts.sum()))
        return [scalar(loss), as_f32(np.exp(logp).reshape(x.shape))][:max(1, len(self.message.top))]
