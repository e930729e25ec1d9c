"""Fully connected, dense: panels of outputs, read once for each tile of the batch."""

from ._base import SCALAR, Form, register
from ._epilogue import fc_args
from ._panels import pack_padded


@register
class FcDense(Form):
    kind = "fc"
    name = "dense"

    def args(self, op, kernel):
        packed = pack_padded(op.weights["w"], kernel.tile_n, min(kernel.tile_n, 16))
        return {**fc_args(op), "w": packed}

    def cost(self, op, kernel, machine):
        m, k = op.weights["w"].shape
        return 2 * op.inputs[0].shape[0] * m * k, 4 * m * k, SCALAR if kernel.isa == "scalar" else 0.85
