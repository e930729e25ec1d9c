"""Mish: x tanh(log(1 + exp(x))) (Misra, 2019)."""

from ._elementwise import Elementwise
from ._registry import register


@register
class Mish(Elementwise):
    """Each element x times tanh(log(1 + exp(x)))."""

    type = "Mish"
    origin = "YOLOv4"
    fn = "mish"
