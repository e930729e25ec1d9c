"""CConvolution: a convolution with a mask on its weights (Guo, Yao, Chen, Dynamic Network Surgery, 2016)."""

from ._masked import Masked
from ._registry import register
from .convolution import Convolution


@register
class CConvolution(Masked, Convolution):
    """Convolution with weights times masks. Blobs: see :class:`~scalpel_rt.layers._masked.Masked`."""

    type = "CConvolution"
    mask_param = "cconvolution_param"
