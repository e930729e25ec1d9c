"""Convolution with a 1x1 kernel, lanes along output channels: for images of few pixels, read where they are."""

import numpy as np

from ...isa import LANES
from ._base import SCALAR, Form, register
from ._epilogue import conv_args
from ._panels import pack_padded

#: What is done besides the products, in multiply-adds of a vector, as measured: the loads of a tile for each input
#: channel; to turn and store a vector of outputs.
LOADS, STORE = 0.15, 22.0


@register
class ConvPointwise(Form):
    kind = "conv"
    name = "pointwise"

    def illegal(self, op, kernel):
        a = op.attrs
        if (a["kh"], a["kw"]) != (1, 1):
            return "the kernel is not 1x1"
        if (a["ph"], a["pw"]) != (0, 0):
            return "there is padding"
        return None

    def args(self, op, kernel):
        w, group = op.weights["w"], op.attrs["group"]
        panels = [pack_padded(part, kernel.tile_n, min(kernel.tile_n, 16)) for part in w.reshape(group, -1, w.shape[1])]
        return {**conv_args(op), "w": panels[0] if group == 1 else np.concatenate(panels)}

    def cost(self, op, kernel, machine):
        n, m, oh, ow = op.outputs[0].shape
        if kernel.isa == "scalar":
            return 2 * n * oh * ow * op.weights["w"].size, 4 * op.weights["w"].size, SCALAR
        a, k, lanes = op.attrs, op.weights["w"].shape[1], LANES[kernel.isa]
        vectors = a["group"] * -(-m // a["group"] // lanes)
        rows, width = (n, oh * ow) if (a["sh"], a["sw"]) == (1, 1) else (n * oh, ow)
        tiles = rows * -(-width // kernel.tile_m)
        work = vectors * (k * (n * oh * ow + LOADS * tiles) + STORE * tiles * kernel.tile_m)
        return 2 * lanes * work, 4 * m * k, 1.0 if kernel.isa == "avx512" else 0.96
