"""implicit: what netscope's editor writes to mark an output."""

from ._base import Layer
from ._registry import register


@register
class Implicit(Layer):
    """Any bottoms -> nothing; only shows what is drawn as an end of the net."""

    type = "implicit"
    origin = "netscope"
    bottoms = (0, None)
    tops = (0, 0)

    def shapes(self, bottoms):
        return []

    def forward(self, bottoms, params):
        return []

    def lower(self, build, bottoms, tops, params):
        return True
