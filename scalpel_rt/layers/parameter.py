"""Parameter: a learnt blob as a layer of its own."""

from ..errors import GraphError
from ._base import Layer
from ._registry import register


@register
class Parameter(Layer):
    """The top is the layer's only learnt blob, of the shape given; zeros where no weights are loaded."""

    type = "Parameter"
    bottoms = (0, 0)

    def parse(self, message):
        self.shape = tuple(message.parameter_param.shape.dim)
        if any(d < 0 for d in self.shape):
            raise GraphError(f"shape {self.shape} has a negative size")

    def shapes(self, bottoms):
        return [self.shape]

    def param_shapes(self, bottoms):
        return [self.shape]

    def fillers(self):
        return [None]

    def forward(self, bottoms, params):
        return [params[0]]

    def lower(self, build, bottoms, tops, params):
        build.op("fill", [], tops, {"value": params[0]})
        return True
