"""What the losses share: the scalar top, the check of the batch, labels and Caffe's normalisation.

Nets for training are run for inference too (the TEST phase of a train_val net), so losses have a forward.
"""

import numpy as np

from ..errors import ShapeError
from ._base import Layer, count
from ._forks import given
from ._index import to_index


class Loss(Layer):
    """A loss: predictions and targets, whose first axes are equal, to one number (a blob of no axes)."""

    bottoms = (2, 2)
    tops = (1, 1)
    is_loss = True

    def shapes(self, bottoms):
        data, target = bottoms[0], bottoms[1]
        if not data or not target or data[0] != target[0]:
            raise ShapeError(f"predictions {data} and targets {target} must have the same first dimension")
        return [()]

    def same_count(self, bottoms):
        """Predictions and targets have as many elements each; ShapeError with both shapes."""
        if count(bottoms[0]) != count(bottoms[1]):
            raise ShapeError(f"predictions {bottoms[0]} and targets {bottoms[1]} must have the same count: "
                             f"{count(bottoms[0])} and {count(bottoms[1])} elements")


def scalar(value):
    """A loss as the array that forward returns: float32, no axes."""
    return np.array(value, dtype=np.float32)


class Normalizer:
    """What the sum of a loss is divided by, as a ``LossParameter`` says: ``normalization`` first, then the older
    ``normalize`` (true: VALID, false: BATCH_SIZE), else ``default``. R-FCN's PRE_FIXED is its ``pre_fixed_normalizer``.
    """

    def __init__(self, loss_param, default="VALID"):
        self.mode = default
        if loss_param.HasField("normalization"):
            self.mode = type(loss_param).NormalizationMode.Name(loss_param.normalization)
        elif loss_param.HasField("normalize"):
            self.mode = "VALID" if loss_param.normalize else "BATCH_SIZE"
        self.fixed = given(loss_param, "pre_fixed_normalizer", 1.0)

    def __call__(self, outer, inner, valid):
        """For so many items, positions in each, and positions that count; at least 1, so that a batch of which
        nothing counts gives 0, not NaN."""
        return max(1.0, float({"FULL": outer * inner, "VALID": valid, "BATCH_SIZE": outer, "NONE": 1,
                               "PRE_FIXED": self.fixed}[self.mode]))


def log_softmax(x):
    """Logarithm of the softmax of x (O, C, I) float64 over axis 1."""
    x = x - x.max(axis=1, keepdims=True, initial=-np.inf)
    return x - np.log(np.exp(x).sum(axis=1, keepdims=True))


def labels_of(target, shape, classes, ignore=None):
    """Labels as int64 of ``shape``, and the mask of those that count (all but ``ignore``, which may be any number).

    The ignored ones are 0 in the result, so that they can be used as indices.
    """
    whole = np.trunc(np.asarray(target, np.float64)).reshape(shape)
    counts = np.ones(shape, bool) if ignore is None else whole != ignore
    return to_index(np.where(counts, whole, 0), classes, "label", "classes"), counts


def label_axes(shape, axis, target, what):
    """(outer, classes, inner) around the class axis; ShapeError when the labels are not one for each position."""
    outer, classes, inner = count(shape, 0, axis), shape[axis], count(shape, axis + 1)
    if count(target) != outer * inner:
        raise ShapeError(f"{what}: predictions {tuple(shape)} with classes on axis {axis} need {outer * inner} labels, "
                         f"but the labels have shape {tuple(target)}, {count(target)} elements")
    return outer, classes, inner
