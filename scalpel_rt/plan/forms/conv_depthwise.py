"""Convolution of each channel by itself, as MobileNet has it."""

import numpy as np

from ...isa import LANES
from ._base import SCALAR, Form, packed, register
from ._epilogue import conv_args

#: Floats of a band of input rows: half of the first cache.
BAND = 4 * 1024
WIDEST = 16  # lanes
#: What else there is to do, in multiply-adds of a vector, as measured: to store a vector, to copy one of the input
#: (stride 1 reads the input where it is), to begin a plane (of the widest vectors).
STORE, COPY, PLANE = 8.0, 8.0, 90.0
PRODUCT = 1.6  # a product whose pixels may cross a cache line


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
        a, width, oh = op.attrs, op.inputs[0].shape[3], op.outputs[0].shape[2]
        pitch = a["sw"] * (-(-(width + 2 * a["pw"]) // a["sw"]) + WIDEST)
        rows = [(out - 1) * a["sh"] + (a["kh"] - 1) * a["dh"] + 1 for out in (min(4, oh), oh)]
        return pitch * max(rows[0], min(rows[1], BAND // pitch))

    def cost(self, op, kernel, machine):
        (n, m, oh, ow), width = op.outputs[0].shape, op.inputs[0].shape[3]
        a, w, lanes = op.attrs, op.weights["w"], LANES[kernel.isa]
        if kernel.isa == "scalar":
            return 2 * n * oh * ow * w.size, 4 * w.size, SCALAR
        work = oh * -(-ow // lanes) * (PRODUCT * w[0].size + STORE) + PLANE * WIDEST / lanes
        if (a["sh"], a["sw"]) != (1, 1):
            work += COPY * ((oh - 1) * a["sh"] + a["kh"]) * -(-(width + 2 * a["pw"]) // lanes)
        return 2 * lanes * n * m * work, 4 * w.size, 1.0 if lanes == WIDEST else 0.8
