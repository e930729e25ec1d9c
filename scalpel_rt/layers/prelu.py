"""PReLU: a ReLU whose negative slope is learnt."""

import numpy as np

from ..errors import ShapeError
from ._base import Layer, as_f32, count
from ._functions import negative, positive
from ._registry import register


@register
class PReLU(Layer):
    """max(x, 0) + slope * min(x, 0), a slope for each channel (axis 1) or one for all.

    Params: slope (channels), or () with ``channel_shared``; 0.25 where nothing says otherwise.
    """

    type = "PReLU"
    in_place = True

    def parse(self, message):
        p = message.prelu_param
        self.channel_shared = p.channel_shared
        self.filler = p.filler if p.HasField("filler") else type(p.filler)(type="constant", value=0.25)

    def channels(self, shape):
        if len(shape) < 2:
            raise ShapeError(f"the bottom needs at least 2 axes, its shape is {tuple(shape)}")
        return shape[1]

    def shapes(self, bottoms):
        self.channels(bottoms[0])
        return [tuple(bottoms[0])]

    def param_shapes(self, bottoms):
        return [() if self.channel_shared else (self.channels(bottoms[0]),)]

    def fillers(self):
        return [self.filler]

    def forward(self, bottoms, params):
        x = bottoms[0].astype(np.float64)
        slope = params[0].astype(np.float64).reshape(-1, *[1] * (x.ndim - 2))
        with np.errstate(invalid="ignore"):
            return [as_f32(positive(x) + slope * negative(x))]

    def lower(self, build, bottoms, tops, params):
        shape = bottoms[0].shape
        if self.channel_shared:
            build.op("unary", bottoms, tops, fn="relu", p0=float(params[0].item()), p1=0.0, p2=0.0)
            return True
        flat = (shape[0], shape[1], count(shape, 2))
        y, done = build.into(tops[0], flat)
        build.op("affine", [build.reshaped(bottoms[0], flat)], [y], {"slope": params[0]}, act=("prelu",))
        done()
        return True
