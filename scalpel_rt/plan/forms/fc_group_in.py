"""Fully connected, groups of neighbours in a row (the format of the Scalpel paper), in slices of eight rows."""

from ._base import register
from ._slices import Sliced
from ._sparse import last_inside


@register
class FcGroupIn(Sliced):
    name = "group_in"
    weights = "group"
    axis = "in"

    def illegal(self, op, kernel):
        k = op.weights["w"].shape[1]
        return f"{k} inputs are less than a group of {kernel.group}" if k < kernel.group else None

    def groups(self, part):
        return last_inside(part)
