"""BNLL: log(1+exp(x)), the binomial normal log likelihood."""

from ._elementwise import Elementwise
from ._registry import register


@register
class BNLL(Elementwise):
    """Log(1+exp(x)), the binomial normal log likelihood of each element."""

    type = "BNLL"
    fn = "bnll"
