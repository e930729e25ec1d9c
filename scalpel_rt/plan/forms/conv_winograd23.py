"""Convolution of stride 1 by F(2x2, 3x3)."""

from ._base import register
from ._winograd import Winograd


@register
class ConvWinograd23(Winograd):
    name = "winograd23"
    out = 2
    size = 3
    transform = 13.0
