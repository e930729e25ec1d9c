"""InnerProduct: a fully connected layer."""

import numpy as np

from ..errors import GraphError
from ._base import Layer, as_f32, count
from ._chunks import chunks
from ._registry import register


@register
class InnerProduct(Layer):
    """y = x @ w.T + b, with ``axis`` and all after it flattened into one.

    Params: w (num_output, K), or (K, num_output) with ``transpose``; b (num_output).
    """

    type = "InnerProduct"
    in_place = True

    def parse(self, message):
        p = message.inner_product_param
        self.num_output, self.bias_term, self.first_axis, self.transpose = (
            p.num_output, p.bias_term, p.axis, p.transpose)
        self.weight_filler, self.bias_filler = p.weight_filler, p.bias_filler
        if self.num_output < 1:
            raise GraphError("num_output must be at least 1, not 0")

    def split(self, shape):
        """Items and numbers per item, as a matrix (B, K) of the bottom."""
        axis = self.axis(self.first_axis, shape)
        return count(shape, 0, axis), count(shape, axis)

    def shapes(self, bottoms):
        shape = bottoms[0]
        return [(*shape[:self.axis(self.first_axis, shape)], self.num_output)]

    def param_shapes(self, bottoms):
        _, k = self.split(bottoms[0])
        weight = (k, self.num_output) if self.transpose else (self.num_output, k)
        return [weight, (self.num_output,)] if self.bias_term else [weight]

    def fillers(self):
        return [self.weight_filler, self.bias_filler] if self.bias_term else [self.weight_filler]

    def multiply_adds(self, bottoms, tops, params):
        return self.split(bottoms[0])[0] * count(params[0])

    def forward(self, bottoms, params):
        y = multiply(bottoms[0].reshape(self.split(bottoms[0].shape)), params[0].T if self.transpose else params[0])
        if self.bias_term:
            y += params[1]
        return [as_f32(y.reshape(self.shapes([bottoms[0].shape])[0]))]

    def lower(self, build, bottoms, tops, params):
        b, k = self.split(bottoms[0].shape)
        w = np.ascontiguousarray(params[0].T) if self.transpose else params[0]
        y, done = build.into(tops[0], (b, self.num_output))
        build.op("fc", [build.reshaped(bottoms[0], (b, k))], [y], {"w": w, "b": params[1] if self.bias_term else None},
                 act=None)
        done()
        return True


def multiply(x, w):
    """x (B, K) @ w (M, K).T in float64: (B, M)."""
    x, y = x.astype(np.float64), np.empty((x.shape[0], w.shape[0]))
    for rows in chunks(*w.shape):
        y[:, rows] = x @ w[rows].astype(np.float64).T
    return y
