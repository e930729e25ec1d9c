"""Swish: x * sigmoid(beta * x)."""

from ._elementwise import Elementwise
from ._registry import register


@register
class Swish(Elementwise):
    """Each element times its own sigmoid, whose argument is scaled by beta."""

    type = "Swish"
    fn = "swish"

    def parse(self, message):
        self.p = (message.swish_param.beta,)
