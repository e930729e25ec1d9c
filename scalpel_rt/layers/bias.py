"""Bias: addition along some axes."""

from ._affine import lower_affine
from ._along import Along, lower_broadcast, spread
from ._base import as_f32
from ._registry import register


@register
class Bias(Along):
    """y = x + bias. Params: bias; none with two bottoms, where the second is added."""

    type = "Bias"

    def parse(self, message):
        self.read(message.bias_param, 0.0)
        self.learnt = len(message.bottom) < 2

    def param_shapes(self, bottoms):
        return [self.place(bottoms)[1]] * self.learnt

    def fillers(self):
        return [self.filler] * self.learnt

    def forward(self, bottoms, params):
        axis, _ = self.place([b.shape for b in bottoms])
        return [as_f32(bottoms[0] + spread(params[0] if self.learnt else bottoms[1], bottoms[0].shape, axis))]

    def lower(self, build, bottoms, tops, params):
        axis, shape = self.place([b.shape for b in bottoms])
        if self.learnt:
            return lower_affine(build, bottoms[0], tops[0], axis, shape, None, params[0])
        lower_broadcast(build, "add", bottoms[0], bottoms[1], tops[0], axis)
        return True
