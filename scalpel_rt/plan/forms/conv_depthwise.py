"""Convolution of each channel by itself, as MobileNet has it."""

import numpy as np

from ._base import Form, packed, register
from ._epilogue import conv_args

#: Floats of a band of input rows: half of the first cache.
BAND = 4 * 1024
LANES = 16  # of the widest vector


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
        pitch = a["sw"] * (-(-(width + 2 * a["pw"]) // a["sw"]) + LANES)
        rows = [(out - 1) * a["sh"] + (a["kh"] - 1) * a["dh"] + 1 for out in (min(4, oh), oh)]
        return pitch * max(rows[0], min(rows[1], BAND // pitch))

    def cost(self, op, kernel, machine):
        n, m, oh, ow = op.outputs[0].shape
        w = op.weights["w"]
        return 2 * n * oh * ow * w.size, 4 * w.size, 0.4
