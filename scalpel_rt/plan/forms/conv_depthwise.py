"""Convolution of each channel by itself, as MobileNet has it."""

import numpy as np

from ...isa import LANES
from ._base import SCALAR, Form, packed, register
from ._epilogue import conv_args

#: Floats of padded input that are made at once: half of the first cache.
BAND = 4 * 1024
WIDEST = 16  # lanes
#: What else there is to do, in multiply-adds of a vector, as measured: to store a vector, to copy one of the input, to
#: begin a plane (of the widest vectors).
STORE, COPY, PLANE = 8.0, 3.0, 90.0
#: A product whose pixels may cross a cache line, with stride 1; and one whose pixels are told apart first.
PRODUCT, PRODUCT_APART = 1.2, 3.1


@register
class ConvDepthwise(Form):
    kind = "conv"
    name = "depthwise"

    def illegal(self, op, kernel):
        return None if op.weights["w"].shape[1] == 1 else "a group has more than one input channel"

    def args(self, op, kernel):
        w = packed(op.weights["w"].shape)
        np.copyto(w, op.weights["w"])
        return {**conv_args(op), "w": w}

    def scratch(self, op, kernel):
        if kernel.isa == "scalar":
            return 0
        a, width, (n, m, oh, _) = op.attrs, op.inputs[0].shape[3], op.outputs[0].shape
        pitch = -(-a["sw"] * (-(-(width + 2 * a["pw"]) // a["sw"]) + WIDEST) // WIDEST) * WIDEST
        few, all_ = ((out - 1) * a["sh"] + (a["kh"] - 1) * a["dh"] + 1 for out in (min(4, oh), oh))
        return max(few * pitch, min(BAND, n * m * all_ * pitch))

    def cost(self, op, kernel, machine):
        (n, m, oh, ow), width = op.outputs[0].shape, op.inputs[0].shape[3]
        a, w, lanes = op.attrs, op.weights["w"], LANES[kernel.isa]
        if kernel.isa == "scalar":
            return 2 * n * oh * ow * w.size, 4 * w.size, SCALAR
        product = PRODUCT if a["sw"] == 1 else PRODUCT_APART
        work = oh * -(-ow // lanes) * (product * w[0].size + STORE) + PLANE * WIDEST / lanes
        work += COPY * ((oh - 1) * a["sh"] + a["kh"]) * -(-(width + 2 * a["pw"]) // lanes)
        return 2 * lanes * n * m * work, 4 * w.size, 1.0 if lanes == WIDEST else 0.8
