"""Convolution of stride 1 by F(2x2, 5x5)."""

from ._base import register
from ._winograd import Winograd


@register
class ConvWinograd25(Winograd):
    name = "winograd25"
    out = 2
    size = 5
    transform = 11.0
