"""Split: one blob for several readers."""

from ._base import Layer
from ._registry import register


@register
class Split(Layer):
    """Every top is the bottom. Nets rarely write it: a blob may simply be read more than once."""

    type = "Split"
    tops = (1, None)

    def parse(self, message):
        self.n = len(message.top)

    def shapes(self, bottoms):
        return [tuple(bottoms[0])] * self.n

    def forward(self, bottoms, params):
        return [bottoms[0]] * self.n

    def lower(self, build, bottoms, tops, params):
        for top in tops:
            build.op("view", bottoms, [top])
        return True
