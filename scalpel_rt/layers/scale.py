"""Scale: multiplication along some axes, with an optional bias."""

import numpy as np

from ._affine import lower_affine
from ._along import Along, lower_broadcast, spread
from ._base import as_f32
from ._registry import register


@register
class Scale(Along):
    """y = x * scale [+ bias], both along the same axes.

    Params: scale, [bias]; with two bottoms the second is the scale, and only the bias is learnt.
    """

    type = "Scale"

    def parse(self, message):
        p = message.scale_param
        self.read(p, 1.0)
        self.bias_term, self.bias_filler = p.bias_term, p.bias_filler
        self.learnt = len(message.bottom) < 2

    def param_shapes(self, bottoms):
        return [self.place(bottoms)[1]] * (self.learnt + self.bias_term)

    def fillers(self):
        return [self.filler] * self.learnt + [self.bias_filler] * self.bias_term

    def forward(self, bottoms, params):
        x = bottoms[0]
        axis, _ = self.place([b.shape for b in bottoms])
        with np.errstate(invalid="ignore"):
            y = x * spread(params[0] if self.learnt else bottoms[1], x.shape, axis)
            if self.bias_term:
                y += spread(params[-1], x.shape, axis)
        return [as_f32(y)]

    def lower(self, build, bottoms, tops, params):
        axis, shape = self.place([b.shape for b in bottoms])
        bias = params[-1] if self.bias_term else None
        if self.learnt:
            return lower_affine(build, bottoms[0], tops[0], axis, shape, params[0], bias)
        product = tops[0] if bias is None else build.temp(tops[0].shape)
        lower_broadcast(build, "mul", bottoms[0], bottoms[1], product, axis)
        return bias is None or lower_affine(build, product, tops[0], axis, shape, None, bias)
