"""HardSigmoid: a sigmoid made of three straight lines."""

import numpy as np

from ._base import Layer, as_f32
from ._registry import register


@register
class HardSigmoid(Layer):
    """min(max(alpha x + beta, 0), 1)."""

    type = "HardSigmoid"
    origin = "several forks"
    in_place = True

    def parse(self, message):
        self.alpha, self.beta = message.hardsigmoid_param.alpha, message.hardsigmoid_param.beta

    def forward(self, bottoms, params):
        return [as_f32(np.clip(self.alpha * bottoms[0].astype(np.float64) + self.beta, 0, 1))]

    def lower(self, build, bottoms, tops, params):
        line = build.temp(tops[0].shape)
        build.op("unary", bottoms, [line], fn="power", p0=1.0, p1=self.alpha, p2=self.beta)
        build.op("unary", [line], tops, fn="clip", p0=0.0, p1=1.0, p2=0.0)
        return True
