"""Fully connected, groups of neighbours in a row (the format of the Scalpel paper), in slices of eight rows."""

from ...sparse import Groups
from ._base import register
from ._remember import remembered
from ._slices import Sliced
from ._sparse_conv import last_inside


@register
class FcGroupIn(Sliced):
    name = "group_in"
    weights = "group"
    axis = "in"

    def illegal(self, op, kernel):
        k = op.weights["w"].shape[1]
        if k < kernel.group:
            return f"{k} inputs are less than a group of {kernel.group}"
        return super().illegal(op, kernel)

    @remembered
    def rows(self, op, kernel):
        groups = Groups.from_dense(op.weights["w"], kernel.group, "in")
        return groups.ptr, *last_inside(groups)
