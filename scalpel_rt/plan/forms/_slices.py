"""What the sparse forms of a fully connected layer share: weights in slices of eight rows."""

import numpy as np

from ...sparse.slices import NO_ROW, ROWS, slices
from ._base import Form
from ._epilogue import fc_args
from ._sparse import aligned, kept, parts_of

MOST_INPUTS = 65536  # columns are 16-bit numbers


class Sliced(Form):
    """A fully connected layer whose rows, or blocks of outputs, are read in slices."""

    kind = "fc"
    #: along which axis groups lie, None without groups
    axis = None
    #: share of the peak that many images reach; one image is bound by the bytes
    efficiency = 0.4

    def illegal(self, op, kernel):
        k = op.weights["w"].shape[1]
        return f"{k} inputs are more than 16-bit indices can name" if k > MOST_INPUTS else None

    def groups(self, part):
        """(first column, values (groups, width)) of the groups of a Csr or Groups."""
        return part.idx, part.values

    def args(self, op, kernel):
        part = parts_of(op, self.axis, kernel.group)[0]
        packs = slices(part.ptr, *self.groups(part), op.weights["w"].shape[1])
        bands, band = packs.head[:2]
        lanes = packs.head[3 : 3 + bands * band * ROWS]
        args = {**fc_args(op), "w": aligned(packs.values), "idx": aligned(packs.idx), "ptr": aligned(packs.head)}
        for name in ("bias", "slope"):
            if name in args:
                args[name] = in_lanes(args[name], lanes, kernel.group if self.axis == "out" else 1)
        return args

    def cost(self, op, kernel, machine):
        weights = kept(op, self.axis, kernel.group)
        return 2 * op.inputs[0].shape[0] * weights, (4 + 2 / kernel.group) * weights, self.efficiency


def in_lanes(values, lanes, outs):
    """``values`` of the outputs in the order of the lanes, ``outs`` for each; 0 where there is no output."""
    rows = np.zeros((-(-len(values) // outs) + 1, outs), np.float32)  # the last one is for lanes without a row
    rows.reshape(-1)[: len(values)] = values
    return rows[np.where(lanes == NO_ROW, len(rows) - 1, lanes)].reshape(-1)
