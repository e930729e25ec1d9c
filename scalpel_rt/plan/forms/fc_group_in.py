"""Fully connected, groups of neighbours in a row (the format of the Scalpel paper), in slices of eight rows."""

import numpy as np

from ...sparse import Groups
from ._base import register
from ._remember import remembered
from ._slices import Sliced


@register
class FcGroupIn(Sliced):
    name = "group_in"
    weights = "group"

    def illegal(self, op, kernel):
        k = op.weights["w"].shape[1]
        if k < kernel.group:
            return f"{k} inputs are less than a group of {kernel.group}"
        return super().illegal(op, kernel)

    @remembered
    def rows(self, op, kernel):
        groups = Groups.from_dense(op.weights["w"], kernel.group, "in")
        return groups.ptr, *last_inside(groups)


def last_inside(groups):
    """(first columns, values) in which a group that would stick out of the matrix starts early enough not to."""
    k, width = groups.shape[1], groups.width
    first = groups.idx.astype(np.int64) * width
    values = groups.values
    early = np.maximum(first - (k - width), 0)
    if early.any():
        values = values.copy()
        shift = k % width
        values[early > 0] = np.roll(values[early > 0], width - shift, axis=1)
    return first - early, values
