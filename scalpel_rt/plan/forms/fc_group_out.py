"""Fully connected, groups of neighbours in a column, in slices of eight blocks of outputs."""

from ...sparse import Groups
from ._base import register
from ._remember import remembered
from ._slices import Sliced


@register
class FcGroupOut(Sliced):
    name = "group_out"
    weights = "group"
    axis = "out"

    @remembered
    def rows(self, op, kernel):
        groups = Groups.from_dense(op.weights["w"], kernel.group, "out")
        return groups.ptr, groups.idx, groups.values

    def outs(self, kernel):
        return kernel.group
