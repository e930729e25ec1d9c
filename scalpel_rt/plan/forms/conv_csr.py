"""Convolution, unstructured zeros: for each channel and block of weights, products with pixels in the first cache."""

import numpy as np

from ...isa import LANES
from ._base import register
from ._sparse_conv import SparseConv

#: Bytes of pixels that a block of weights is meant to meet in a tile: a little more than the first cache, because
#: between blocks a channel moves its sums out and the next one moves them in.
BLOCK = 40 * 1024


@register
class ConvCsr(SparseConv):
    name = "csr"
    weights = "csr"
    efficiency = {"scalar": 0.05, "sse41": 0.4, "avx2": 0.55, "avx512": 0.55}
    bound_by_loads = True

    def packs(self, op, kernel, parts, win):
        unit, block, offsets = kernel.tile_m, block_of(op, kernel, win), win.offsets(op)
        starts, firsts, segments, idx, values = [0], [0], [], [], []
        for part in parts:
            blocks, units = -(-part.shape[1] // block), -(-part.shape[0] // unit)
            rows, columns = part.rows(), part.idx.astype(np.int64)
            counts = np.zeros((units * unit, blocks), np.int64)
            np.add.at(counts, (rows, columns // block), 1)
            at = (rows // unit, columns // block, -counts[rows, columns // block], rows)
            order = np.lexsort((columns, *at[::-1]))
            idx.append(offsets[columns[order]])
            values.append(part.values[order])
            for u in range(units):
                mine = counts[u * unit : (u + 1) * unit].T
                longest = np.argsort(-mine, axis=1, kind="stable")
                sizes = np.take_along_axis(mine, longest, axis=1)
                segments.append((sizes * 65536 + longest)[sizes > 0])
                firsts.append(firsts[-1] + len(segments[-1]))
                starts.append(starts[-1] + int(mine.sum()))
        return {"ptr": np.concatenate([starts, firsts, *segments]).astype(np.uint32),
                "idx": np.concatenate(idx).astype(np.int32), "w": np.concatenate(values), "table": win.table(op)}


def block_of(op, kernel, win):
    """Weights of a block: whole channels, as many as have their pixels for a tile in BLOCK bytes."""
    a, pixels = op.attrs, kernel.tile_n * LANES[kernel.isa]
    if win.direct:
        floats = pixels
    else:
        rows = min(-(-pixels // win.pitch) + 1, win.rows) + (a["kh"] - 1) * a["dh"] // a["sh"]
        floats = len(win.starts) * len(win.phases) * rows * min(win.pitch, pixels + 16)
    return min(max(1, BLOCK // (4 * floats)) * a["kh"] * a["kw"], 65535)
