"""ELU: the exponential linear unit."""

from ._elementwise import Elementwise
from ._registry import register


@register
class ELU(Elementwise):
    """max(x, 0) + alpha * (exp(min(x, 0)) - 1)."""

    type = "ELU"
    fn = "elu"

    def parse(self, message):
        self.p = (message.elu_param.alpha,)
