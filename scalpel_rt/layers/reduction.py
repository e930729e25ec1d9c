"""Reduction: sums over the last axes."""

import numpy as np

from ._base import Layer, as_f32, count
from ._registry import register


@register
class Reduction(Layer):
    """SUM, ASUM (of magnitudes), SUMSQ (of squares) or MEAN over ``axis`` and all after it, times ``coeff``."""

    type = "Reduction"

    def parse(self, message):
        p = message.reduction_param
        self.operation, self.first, self.coeff = p.ReductionOp.Name(p.operation), p.axis, p.coeff

    def shapes(self, bottoms):
        return [tuple(bottoms[0][:self.axis(self.first, bottoms[0])])]

    def forward(self, bottoms, params):
        top = self.shapes([bottoms[0].shape])[0]
        x = bottoms[0].astype(np.float64).reshape(*top, count(bottoms[0].shape, len(top)))
        with np.errstate(all="ignore"):
            x = {"ASUM": np.abs, "SUMSQ": np.square}.get(self.operation, np.asarray)(x)
            y = x.sum(-1) / (x.shape[-1] if self.operation == "MEAN" else 1)
            return [as_f32(y * self.coeff)]

    def lower(self, build, bottoms, tops, params):
        x, outer = bottoms[0], count(tops[0].shape)
        k = count(x.shape, len(tops[0].shape))
        if not k:
            return False                # a mean of nothing
        fn = "sum" if self.operation == "MEAN" else self.operation.lower()
        y, done = build.into(tops[0], (outer, 1))
        build.op("reduce", [build.reshaped(x, (outer, k, 1))], [y], fn=fn,
                 coeff=self.coeff / k if self.operation == "MEAN" else self.coeff)
        done()
        return True
