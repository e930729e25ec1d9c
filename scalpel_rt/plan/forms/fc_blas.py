"""Fully connected, by OpenBLAS."""

import numpy as np

from ._base import register
from ._blas import Blas
from ._epilogue import fc_args

SLICE = 128     # outputs: SLICE_OUTPUTS in the kernel


@register
class FcBlas(Blas):
    kind = "fc"
    name = "blas"

    def args(self, op, kernel):
        return {**fc_args(op), "w": np.ascontiguousarray(op.weights["w"], np.float32)}

    def most_parts(self, op, kernel):
        return -(-op.outputs[0].shape[1] // SLICE)

    def cost(self, op, kernel, machine):
        (m, k), n = op.weights["w"].shape, op.inputs[0].shape[0]
        flops, efficiency = self.products(kernel, machine, -(-m // SLICE), min(m, SLICE), n, k)
        return flops / (self.TILE if n == 1 else 1), 4 * m * k, efficiency     # one image is no matrix
