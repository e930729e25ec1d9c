"""Softmax along an axis."""

import numpy as np

from ._base import Layer, as_f32, count
from ._registry import register


@register
class Softmax(Layer):
    """exp(x - max) / sum(exp(x - max)) along ``axis``."""

    type = "Softmax"
    in_place = True

    def parse(self, message):
        self.along = message.softmax_param.axis

    def shapes(self, bottoms):
        self.axis(self.along, bottoms[0])
        return [tuple(bottoms[0])]

    def forward(self, bottoms, params):
        return [as_f32(softmax(bottoms[0], self.axis(self.along, bottoms[0].shape)))]

    def lower(self, build, bottoms, tops, params):
        shape = bottoms[0].shape
        axis = self.axis(self.along, shape)
        flat = (count(shape, 0, axis), shape[axis], count(shape, axis + 1))
        y, done = build.into(tops[0], flat)
        build.op("softmax", [build.reshaped(bottoms[0], flat)], [y])
        done()
        return True


def softmax(x, axis):
    """Softmax of ``x`` along ``axis`` in float64."""
    x = np.asarray(x, np.float64)
    with np.errstate(all="ignore"):
        e = np.exp(x - x.max(axis, keepdims=True, initial=-np.inf))
        return e / e.sum(axis, keepdims=True)
