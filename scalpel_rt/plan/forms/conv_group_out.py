"""Convolution with groups of neighbouring output channels: a dense register tile that skips."""

import numpy as np

from ...sparse import Groups
from ._base import register
from ._remember import remembered
from ._sparse_conv import SparseConv, joined


@register
class ConvGroupOut(SparseConv):
    name = "group_out"
    weights = "group"
    efficiency = 0.85

    @remembered
    def parts(self, op, kernel):
        return [Groups.from_dense(part, kernel.group, "out") for part in self.split(op)]

    def packs(self, op, kernel, parts, win):
        ptr, idx, values = joined(parts)
        return {"ptr": ptr, "idx": win.offsets(op)[idx].astype(np.int32), "w": values, "table": win.table()}
