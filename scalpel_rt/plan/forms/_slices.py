"""What the sparse forms of a fully connected layer share: weights in slices of eight rows."""

import numpy as np

from ...sparse.slices import NO_ROW, slices
from ._base import Form
from ._epilogue import fc_args
from ._sparse_conv import aligned
from ._zeros import zeros

MOST_INPUTS = 65536  # columns are 16-bit numbers


class Sliced(Form):
    """A fully connected layer whose rows, or blocks of ``outs`` rows, are read in slices."""

    kind = "fc"

    def illegal(self, op, kernel):
        k = op.weights["w"].shape[1]
        if k > MOST_INPUTS:
            return f"{k} inputs are more than 16-bit indices can name"
        return None

    def rows(self, op, kernel):
        """(ptr, idx, values (groups, width)): the groups of each row and their first columns."""
        raise NotImplementedError

    def outs(self, kernel):
        """Outputs of a row."""
        return 1

    def args(self, op, kernel):
        ptr, idx, values = self.rows(op, kernel)
        packs = slices(ptr, idx, values, op.weights["w"].shape[1])
        bands, band, chunks = packs.head[:3]
        lanes = packs.head[3 : 3 + bands * band * 8]
        args = {**fc_args(op), "w": aligned(packs.values), "idx": aligned(packs.idx), "ptr": aligned(packs.head)}
        for name in ("bias", "slope"):
            if name in args:
                args[name] = in_lanes(args[name], lanes, self.outs(kernel))
        return args

    def cost(self, op, kernel, machine):
        found = zeros(op.weights["w"])
        groups = found.kept[self.axis, kernel.group] if self.axis else found.nonzeros
        values = groups * kernel.group
        return 2 * op.inputs[0].shape[0] * values, 4 * values + 2 * groups, self.efficiency

    #: how a group lies: "in" a row, "out" along the outputs, None for single weights
    axis = None

    #: share of the peak that many images reach; one image is bound by the bytes
    efficiency = 0.5


def in_lanes(values, lanes, outs):
    """``values`` of the outputs in the order of the lanes, ``outs`` for each; 0 where there is no output."""
    rows = np.zeros((-(-len(values) // outs) + 1, outs), np.float32)  # the last one is for lanes without a row
    rows.reshape(-1)[: len(values)] = values
    return rows[np.where(lanes == NO_ROW, len(rows) - 1, lanes)].reshape(-1)

