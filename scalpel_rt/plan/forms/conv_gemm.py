"""Convolution as a matrix product: panels of output channels, against panels of pixels that the kernel makes itself."""

import numpy as np

from ._base import Form, packed, register
from ._epilogue import conv_args
from ._panels import pack_even

#: Floats of pixel panels that a thread keeps: with the weights that stream by, they should fit the second cache.
BLOCK = 96 * 1024
MOST_TILES = 8


@register
class ConvGemm(Form):
    kind = "conv"
    name = "gemm"

    def args(self, op, kernel):
        w = op.weights["w"]
        if kernel.isa == "scalar":
            panels = np.ascontiguousarray(w, np.float32)
        else:
            groups = w.reshape(op.attrs["group"], -1, w[0].size)
            panels = packed(groups.shape)
            for group, panel in zip(groups, panels, strict=True):
                pack_even(group, kernel.tile_m, panel)
        return {**conv_args(op), "w": panels}

    def scratch(self, op, kernel):
        if kernel.isa == "scalar":
            return 0
        n, _, oh, ow = op.outputs[0].shape
        tile = op.weights["w"][0].size * kernel.tile_n
        return tile * max(1, min(BLOCK // tile, MOST_TILES, -(-n * oh * ow // kernel.tile_n)))

    def cost(self, op, kernel, machine):
        n, m, oh, ow = op.outputs[0].shape
        return 2 * n * oh * ow * op.weights["w"].size, 4 * op.weights["w"].size, 0.8
