"""L2Normalization: vectors along an axis to length 1, nothing learnt."""

import numpy as np

from ._base import Layer, as_f32, count
from ._registry import register


@register
class L2Normalization(Layer):
    """x -> x / |x| along ``axis``, or of all of x with ``is_global``; where |x|^2 is at most eps, x stays as it is."""

    type = "L2Normalization"
    origin = "several forks"
    in_place = True

    def parse(self, message):
        p = message.l2n_param
        self.along, self.is_global, self.eps = p.axis, p.is_global, abs(p.eps)

    def shapes(self, bottoms):
        if not self.is_global:
            self.axis(self.along, bottoms[0], "l2n_param axis")
        return [tuple(bottoms[0])]

    def forward(self, bottoms, params):
        x = bottoms[0].astype(np.float64)
        squares = (x * x).sum(axis=None if self.is_global else self.axis(self.along, x.shape), keepdims=True)
        return [as_f32(x / np.sqrt(np.where(squares > self.eps, squares, 1)))]

    def lower(self, build, bottoms, tops, params):
        shape = bottoms[0].shape
        axis = 0 if self.is_global else self.axis(self.along, shape)
        flat = (1, count(shape), 1) if self.is_global else (count(shape, 0, axis), shape[axis], count(shape, axis + 1))
        y, done = build.into(tops[0], flat)
        build.op("norm", [build.reshaped(bottoms[0], flat)], [y], guard=1, eps=self.eps)
        done()
        return True
