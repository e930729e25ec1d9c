"""What the sparse forms of a convolution share."""

import numpy as np

from ...isa import LANES
from ._base import Form
from ._epilogue import conv_args
from ._sparse import joined, kept, laid_out, parts_of
from ._window import window


class SparseConv(Form):
    """A convolution whose kept weights look into a window of the input."""

    kind = "conv"
    #: along which axis groups lie, None without groups
    axis = None
    #: share of the peak at which a kernel of this form makes its products
    efficiency = {"scalar": 0.05, "sse41": 0.3, "avx2": 0.5, "avx512": 0.5}
    #: the kernel loads its pixels for every product
    bound_by_loads = False

    FAIR = 4    # windows of a part: fewer take longer

    def packs(self, op, kernel, parts, win):
        """w, idx, ptr and table for a vector kernel that looks through the Window ``win``."""
        raise NotImplementedError

    def plain(self, parts):
        """(ptr, number of the first weight, values) of the groups, for the scalar kernel."""
        return joined(parts)

    def window(self, op, kernel):
        return window(op, kernel, kept(op, self.axis, kernel.group) / op.attrs["group"], self.bound_by_loads)

    def args(self, op, kernel):
        image = op.inputs[0].shape[1:], op.outputs[0].shape[1:], frozenset(op.attrs.items())
        packs = laid_out(op, (kernel.symbol, image), lambda: self._packed(op, kernel))
        return {**conv_args(op), **packs, "scratch_stride": self.scratch(op, kernel)}

    def _packed(self, op, kernel):
        parts = parts_of(op, self.axis, kernel.group)
        if kernel.isa == "scalar":
            ptr, idx, values = self.plain(parts)
            return {"ptr": ptr, "idx": idx.astype(np.uint32), "w": values}
        return self.packs(op, kernel, parts, self.window(op, kernel))

    def scratch(self, op, kernel):
        return 0 if kernel.isa == "scalar" else -(-self.window(op, kernel).floats // 16) * 16

    def most_parts(self, op, kernel):
        """Where the window is a copy, a part that begins or ends in the middle of one makes it once more."""
        win = None if kernel.isa == "scalar" else self.window(op, kernel)
        if win is None or win.direct:
            return super().most_parts(op, kernel)
        n, _, oh, _ = op.outputs[0].shape
        return n * op.attrs["group"] * -(-oh // win.rows) / self.FAIR

    def cost(self, op, kernel, machine):
        weights = kept(op, self.axis, kernel.group)
        products = op.inputs[0].shape[0] * op.attrs["group"] * self.window(op, kernel).cost
        index = 4 if self.axis is None else 4 / kernel.group
        return 2 * LANES[kernel.isa] * products, (4 + index) * weights, self.efficiency[kernel.isa]
