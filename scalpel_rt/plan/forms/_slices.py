"""What the sparse forms of a fully connected layer share: weights in slices of eight rows."""

import numpy as np

from ...sparse.slices import NO_ROW, Slices, slices
from ._base import Form
from ._epilogue import fc_args
from ._sparse import kept, laid_out, parts_of


class Sliced(Form):
    """A fully connected layer whose rows, or blocks of outputs, are read in slices."""

    kind = "fc"
    #: along which axis groups lie, None without groups
    axis = None
    #: share of the peak that many images reach; one image is bound by the bytes
    efficiency = 0.4

    def groups(self, part):
        """(first column, values (groups, width)) of the groups of a Csr or Groups."""
        return part.idx, part.values

    def args(self, op, kernel):
        packs = laid_out(op, (self.name, kernel.group), lambda: self._packed(op, kernel))
        args, rows = {**fc_args(op), **packs}, Slices(packs["ptr"], packs["idx"], packs["w"]).rows
        for name in ("bias", "slope"):
            if name in args:
                args[name] = in_places(args[name], rows, kernel.group if self.axis == "out" else 1)
        return args

    def _packed(self, op, kernel):
        part = parts_of(op, self.axis, kernel.group)[0]
        packs = slices(part.ptr, *self.groups(part), op.weights["w"].shape[1])
        return {"w": packs.values, "idx": packs.idx, "ptr": packs.head}

    def cost(self, op, kernel, machine):
        weights = kept(op, self.axis, kernel.group)
        return 2 * op.inputs[0].shape[0] * weights, (4 + 2 / kernel.group) * weights, self.efficiency


def in_places(values, places, outs):
    """``values`` of the outputs in the order of the places, ``outs`` for each; 0 where there is no output."""
    rows = np.zeros((-(-len(values) // outs) + 1, outs), np.float32)  # the last one is for places without a row
    rows.reshape(-1)[: len(values)] = values
    return rows[np.where(places == NO_ROW, len(rows) - 1, places)].reshape(-1)
