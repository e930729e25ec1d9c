"""Convolution with groups of neighbouring weights (the format of the Scalpel paper): pixels stay, channels go by."""

import numpy as np

from ._base import register
from ._sparse import joined, last_inside
from ._sparse_conv import SparseConv


@register
class ConvGroupIn(SparseConv):
    name = "group_in"
    weights = "group"
    axis = "in"
    efficiency = {"scalar": 0.05, "sse41": 0.45, "avx2": 0.6, "avx512": 0.75}

    def illegal(self, op, kernel):
        k = op.weights["w"][0].size
        return f"{k} weights are less than a group of {kernel.group}" if k < kernel.group else None

    def plain(self, parts):
        ptr, _, _ = joined(parts)
        first, values = zip(*(last_inside(part) for part in parts), strict=True)
        return ptr, np.concatenate(first), np.concatenate(values)

    def packs(self, op, kernel, parts, win):
        unit, starts, lists, channels, values = kernel.tile_m, [0], [], [], []
        for part in parts:
            rows = part.rows()
            first, kept = last_inside(part)
            units = -(-part.shape[0] // unit)
            unit_of = rows // unit
            counts = np.zeros((units, part.shape[1]), np.int64)
            np.add.at(counts, (unit_of, first), 1)
            # within a unit: groups that most channels keep first; all channels of a group together
            order = np.lexsort((rows, first, -counts[unit_of, first], unit_of))
            channels.append(rows[order] % unit)
            values.append(kept[order])
            for u in range(units):
                k = np.flatnonzero(counts[u])
                k = k[np.argsort(-counts[u, k], kind="stable")]
                lists.append(np.stack([k, counts[u, k]], axis=1))
                starts.append(starts[-1] + int(counts[u].sum()))
        entries = np.cumsum([0, *map(len, lists)])
        return {"ptr": np.concatenate([starts, entries, *(entry.reshape(-1) for entry in lists)]).astype(np.uint32),
                "idx": np.concatenate(channels).astype(np.uint16), "w": np.concatenate(values),
                "table": np.concatenate([win.table(op), win.offsets(op).astype(np.int32)])}
