"""Convolution as a matrix product: panels of output channels, against panels of pixels that the kernel makes itself."""

import numpy as np

from ...isa import LANES
from ._base import SCALAR, Form, packed, register
from ._epilogue import conv_args
from ._panels import pack_even

#: Floats of pixel panels that a thread keeps: with the weights that stream by, they should fit the second cache.
BLOCK = 96 * 1024
MOST_TILES = 8
FAIR = 6    # vectors of pixels of a part: fewer take longer
#: What is done besides the products, in multiply-adds of a vector, as measured: the loads of a tile for each weight; to
#: pack a vector of pixels, where they lie next to each other and where not; to store one; to begin a panel.
LOADS, PACK_STRAIGHT, PACK, STORE, PANEL = 0.4, 4.0, 7.0, 4.0, 250.0


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

    def most_parts(self, op, kernel):
        """Where there are few pixels, parts are other channels of the same, and pack them once more."""
        n, _, oh, ow = op.outputs[0].shape
        return n * oh * ow / (FAIR * LANES[kernel.isa])

    def cost(self, op, kernel, machine):
        n, m, oh, ow = op.outputs[0].shape
        a, w = op.attrs, op.weights["w"]
        if kernel.isa == "scalar":
            return 2 * n * oh * ow * w.size, 4 * w.size, SCALAR
        vectors, channels = -(-n * oh * ow // LANES[kernel.isa]), m // a["group"]
        pack = PACK_STRAIGHT if (a["kh"], a["kw"], a["sh"], a["sw"]) == (1, 1, 1, 1) else PACK
        row = channels + LOADS * -(-channels // kernel.tile_m) + pack
        work = vectors * (a["group"] * (w[0].size * row + PANEL) + STORE * m)
        return 2 * LANES[kernel.isa] * work, 4 * w.size, 1.0 if kernel.isa == "avx512" else 0.96
