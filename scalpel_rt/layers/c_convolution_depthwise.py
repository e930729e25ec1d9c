"""CConvolutionDepthwise: a depthwise convolution with a mask on its weights (Auto_pruning)."""

from ._masked import Masked
from ._registry import register
from .convolution_depthwise import ConvolutionDepthwise


@register
class CConvolutionDepthwise(Masked, ConvolutionDepthwise):
    """ConvolutionDepthwise with weights times a mask. Blobs: w [, b], mask of w."""

    type = "CConvolutionDepthwise"
    mask_param = "cconv_depthwise_param"
