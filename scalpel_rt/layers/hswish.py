"""HSwish: x min(max(x + 3, 0), 6) / 6, MobileNetV3's cheap form of Swish (Howard et al., 2019)."""

from ._elementwise import Elementwise
from ._registry import register


@register
class HSwish(Elementwise):
    """Each element x times min(max(x + 3, 0), 6) / 6."""

    type = "HSwish"
    origin = "MobileNetV3"
    fn = "hswish"
