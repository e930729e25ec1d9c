"""Eltwise: sum, product or maximum of bottoms of one shape."""

import numpy as np

from ..errors import GraphError, ShapeError
from ._base import Layer, as_f32
from ._registry import register


@register
class Eltwise(Layer):
    """PROD, SUM (with a coefficient for each bottom) or MAX, element by element; nothing is broadcast.

    MAX ignores coefficients, as Caffe does, and of two bottoms it takes a where a > b, else b: a NaN in the first is
    lost, one in the second stays. In place the layer gives what it would give elsewhere, where Caffe loses a bottom.
    """

    type = "Eltwise"
    bottoms = (2, None)
    in_place = True

    def parse(self, message):
        p = message.eltwise_param
        self.operation = p.EltwiseOp.Name(p.operation)
        self.coeff = list(p.coeff) or [1.0] * len(message.bottom)
        if len(self.coeff) != len(message.bottom):
            raise GraphError(f"{len(p.coeff)} values of coeff for {len(message.bottom)} bottoms")
        if p.coeff and self.operation == "PROD":
            raise GraphError(f"coeff {list(p.coeff)} with operation PROD: only SUM takes coefficients")

    def shapes(self, bottoms):
        for i, other in enumerate(bottoms):
            if tuple(other) != tuple(bottoms[0]):
                raise ShapeError(f"bottom 0 has shape {tuple(bottoms[0])} and bottom {i} {tuple(other)}: "
                                 f"they must be equal")
        return [tuple(bottoms[0])]

    def forward(self, bottoms, params):
        a, *rest = (b.astype(np.float64) for b in bottoms)
        with np.errstate(invalid="ignore"):
            if self.operation == "SUM":
                a = sum((c * b for c, b in zip(self.coeff[1:], rest, strict=True)), self.coeff[0] * a)
            elif self.operation == "PROD":
                for b in rest:
                    a = a * b
            else:
                a = np.where(a > rest[0], a, rest[0])
                for b in rest[1:]:
                    a = np.where(b > a, b, a)
        return [as_f32(a)]

    def lower(self, build, bottoms, tops, params):
        so_far, c = bottoms[0], self.coeff[0]
        for i, b in enumerate(bottoms[1:], 1):
            y = tops[0] if i == len(bottoms) - 1 else build.temp(b.shape)
            if self.operation == "SUM":
                build.op("eltwise", [so_far, b], [y], fn="sum", ca=c, cb=self.coeff[i], act=None)
                c = 1.0
            elif self.operation == "PROD":
                build.op("eltwise", [so_far, b], [y], fn="prod", ca=1.0, cb=1.0, act=None)
            else:
                pair = [so_far, b] if i == 1 else [b, so_far]
                build.op("eltwise", pair, [y], fn="max", ca=1.0, cb=1.0, act=None)
            so_far = y
        return True
