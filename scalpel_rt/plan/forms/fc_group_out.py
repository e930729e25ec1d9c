"""Fully connected, groups of neighbours in a column, in slices of eight blocks of outputs."""

from ._base import register
from ._slices import Sliced


@register
class FcGroupOut(Sliced):
    name = "group_out"
    weights = "group"
    axis = "out"
