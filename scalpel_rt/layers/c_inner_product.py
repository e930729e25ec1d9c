"""CInnerProduct: a fully connected layer with a mask on its weights (Dynamic Network Surgery)."""

from ._masked import Masked
from ._registry import register
from .inner_product import InnerProduct


@register
class CInnerProduct(Masked, InnerProduct):
    """InnerProduct with weights times masks. Blobs: see :class:`~scalpel_rt.layers._masked.Masked`."""

    type = "CInnerProduct"
    mask_param = "cinner_product_param"
