"""Log: log_base(shift + scale * x)."""

from ..errors import GraphError
from ._elementwise import Elementwise
from ._registry import register
from .exp import natural_log


@register
class Log(Elementwise):
    """The logarithm of shift + scale * x to a base; base -1 stands for e."""

    type = "Log"
    fn = "log"

    def parse(self, message):
        p = message.log_param
        log_base = natural_log(p.base)
        if log_base == 0:
            raise GraphError("base 1 has no logarithm")
        self.p = (p.scale, p.shift, 1.0 / log_base)
