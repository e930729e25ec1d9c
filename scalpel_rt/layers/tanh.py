"""TanH: the hyperbolic tangent."""

from ._elementwise import Elementwise
from ._registry import register


@register
class TanH(Elementwise):
    """The hyperbolic tangent of each element."""

    type = "TanH"
    fn = "tanh"
