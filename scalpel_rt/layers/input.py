"""Input: what the caller feeds."""

from ..errors import GraphError
from ._base import Layer
from ._registry import register


@register
class Input(Layer):
    """One shape for all tops or one for each; with none the caller has to say it, and :meth:`shapes` gives None."""

    type = "Input"
    bottoms = (0, 0)
    tops = (1, None)
    is_input = True

    def parse(self, message):
        given = [tuple(shape.dim) for shape in message.input_param.shape]
        n = len(message.top)
        if len(given) not in (0, 1, n):
            raise GraphError(f"{len(given)} shapes for {n} tops: give none, one for all, or one for each")
        self.given = given if len(given) == n else (given or [None]) * n

    def shapes(self, bottoms):
        return list(self.given)
