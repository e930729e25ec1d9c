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
        m, k = op.weights["w"].shape
        return 2 * op.inputs[0].shape[0] * m * k, 4 * m * k, self.efficiency(kernel, machine)
