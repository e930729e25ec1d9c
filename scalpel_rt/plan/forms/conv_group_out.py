"""Convolution with groups of neighbouring output channels: a dense register tile that skips."""

import numpy as np

from ._base import register
from ._sparse import joined
from ._sparse_conv import SparseConv


@register
class ConvGroupOut(SparseConv):
    name = "group_out"
    weights = "group"
    axis = "out"
    efficiency = {"scalar": 0.05, "sse41": 0.45, "avx2": 0.65, "avx512": 0.9}

    def packs(self, op, kernel, parts, win):
        ptr, idx, values = joined(parts)
        return {"ptr": ptr, "idx": win.offsets(op)[idx].astype(np.int32), "w": values, "table": win.table()}
