"""Accuracy: how many items are classified right."""

import numpy as np

from ..errors import GraphError, ShapeError
from ._base import Layer, as_f32, count
from ._registry import register


@register
class Accuracy(Layer):
    """Share of labels whose class is among the ``top_k`` scores along ``axis``; a second top gives it for each class.

    Bottoms: scores, and a label for each of their positions. A class that ties with the right one counts as better.
    Labels equal to ``ignore_label`` are left out; where none is left the result is 0.
    """

    type = "Accuracy"
    bottoms = (2, 2)
    tops = (1, 2)

    def parse(self, message):
        p = message.accuracy_param
        self.top_k, self.along = p.top_k, p.axis
        self.ignore_label = p.ignore_label if p.HasField("ignore_label") else None
        self.n_tops = max(1, len(message.top))
        if self.top_k < 1:
            raise GraphError("top_k must be at least 1, not 0")

    def shapes(self, bottoms):
        scores, labels = (tuple(b) for b in bottoms)
        axis = self.axis(self.along, scores)
        positions = count(scores, 0, axis) * count(scores, axis + 1)
        if count(labels) != positions:
            raise ShapeError(f"{count(labels)} labels, shape {labels}, for {positions} positions of scores, "
                             f"shape {scores}, axis {axis}")
        if self.top_k > scores[axis]:
            raise ShapeError(f"top_k {self.top_k} of {scores[axis]} classes, shape {scores}")
        return [(), (scores[axis],)][:self.n_tops]

    def forward(self, bottoms, params):
        scores, labels = bottoms
        self.shapes([scores.shape, labels.shape])
        axis = self.axis(self.along, scores.shape)
        n = scores.shape[axis]
        scores = np.moveaxis(scores, axis, -1).reshape(labels.size, n)
        labels = np.trunc(labels.reshape(-1))
        counted = np.full(labels.shape, True) if self.ignore_label is None else labels != self.ignore_label
        scores, labels = scores[counted], labels[counted]
        wrong = labels[~((labels >= 0) & (labels < n))]
        if wrong.size:
            raise GraphError(f"label {wrong[0]:g} is not one of {n} classes")
        labels = labels.astype(np.int64)
        right = np.take_along_axis(scores, labels[:, None], 1)
        correct = (scores >= right).sum(1) - 1 < self.top_k
        tops = [correct.mean() if correct.size else 0.0]
        if self.n_tops == 2:
            items, hits = np.bincount(labels, minlength=n), np.bincount(labels[correct], minlength=n)
            tops.append(hits / np.maximum(items, 1))
        return [as_f32(top) for top in tops]
