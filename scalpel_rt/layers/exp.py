"""Exp: base ^ (shift + scale * x)."""

import math

from ..errors import GraphError
from ._elementwise import Elementwise
from ._registry import register


def natural_log(base):
    """Logarithm of an Exp or Log layer's base, where -1 stands for e; GraphError when there is none."""
    if base == -1:
        return 1.0
    if not 0 < base < math.inf:
        raise GraphError(f"base must be positive, or -1 for e, not {base:g}")
    return math.log(base)


@register
class Exp(Elementwise):
    """base ^ (shift + scale * x); base -1 stands for e."""

    type = "Exp"
    fn = "exp"

    def parse(self, message):
        p = message.exp_param
        log_base = natural_log(p.base)
        self.p = (log_base * p.scale, log_base * p.shift)
