"""DepthwiseConvolution: a faster path of a fork for what Convolution with groups says."""

from ._registry import register
from .convolution import Convolution


@register
class DepthwiseConvolution(Convolution):
    """Convolution, with the ``group`` that the net gives."""

    type = "DepthwiseConvolution"
    origin = "yonghenglh6's fork"
