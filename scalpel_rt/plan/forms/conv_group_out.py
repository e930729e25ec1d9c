"""Convolution with groups of neighbouring output channels: a dense register tile that skips."""

from types import SimpleNamespace

import numpy as np

from ._base import register
from ._sparse import joined
from ._sparse_conv import SparseConv

AHEAD = 12  # offsets behind the last that the kernel may look at


@register
class ConvGroupOut(SparseConv):
    name = "group_out"
    weights = "group"
    axis = "out"
    efficiency = {"scalar": 0.05, "sse41": 0.45, "avx2": 0.65, "avx512": 0.9}

    def packs(self, op, kernel, parts, win):
        ordered, blocks = zip(*map(longest_first, parts), strict=True)
        ptr, idx, values = joined(ordered)
        offsets = np.pad(win.offsets(op)[idx], (0, AHEAD))
        return {"ptr": np.concatenate([ptr, *blocks]).astype(np.uint32), "idx": offsets.astype(np.int32), "w": values,
                "table": win.table(op)}


def longest_first(groups):
    """(the same with the rows that have most groups first, the number of each row before); shape and zeros stay."""
    counts = np.diff(groups.ptr.astype(np.int64))
    order = np.argsort(-counts, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    moved = np.argsort(rank[groups.rows()], kind="stable")
    ptr = np.cumsum([0, *counts[order]])
    return SimpleNamespace(ptr=ptr, idx=groups.idx[moved], values=groups.values[moved]), order
