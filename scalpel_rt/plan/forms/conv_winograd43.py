"""Convolution of stride 1 by F(4x4, 3x3)."""

from ._base import register
from ._winograd import Winograd


@register
class ConvWinograd43(Winograd):
    name = "winograd43"
    out = 4
    size = 3
    transform = 17.5
