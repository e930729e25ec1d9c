"""Axpy: a x + y with a number a for each channel (Hu, Shen, Sun, SENet, 2017)."""

import numpy as np

from ..errors import ShapeError
from ._base import Layer, as_f32, count
from ._registry import register


@register
class Axpy(Layer):
    """a (N, C) or (N, C, 1, 1), x (N, C, ...), y (N, C, ...) -> a x + y."""

    type = "Axpy"
    origin = "SENet"
    bottoms = (3, 3)

    def shapes(self, bottoms):
        a, x, y = bottoms
        if len(x) < 2 or a[:2] != x[:2] or count(a, 2) != 1 or x != y:
            raise ShapeError(f"Axpy takes a (N, C), x (N, C, ...) and y like x, not {a}, {x} and {y}")
        return [tuple(x)]

    def forward(self, bottoms, params):
        a, x, y = (b.astype(np.float64) for b in bottoms)
        return [as_f32(a.reshape(x.shape[:2] + (1,) * (x.ndim - 2)) * x + y)]

    def lower(self, build, bottoms, tops, params):
        a, x, y = bottoms
        channels, inner = count(x.shape, 0, 2), count(x.shape, 2)
        product = build.temp((1, channels, inner))
        build.op("broadcast", [build.reshaped(x, product.shape), build.reshaped(a, (1, channels))], [product],
                 fn="mul", s_outer=0)
        build.op("eltwise", [build.reshaped(product, x.shape), y], [tops[0]], fn="sum", ca=1.0, cb=1.0, act=None)
        return True
