"""Sigmoid: 1/(1+exp(-x))."""

from ._elementwise import Elementwise
from ._registry import register


@register
class Sigmoid(Elementwise):
    """1/(1+exp(-x)) of each element."""

    type = "Sigmoid"
    fn = "sigmoid"
