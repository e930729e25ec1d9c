"""What the sparse forms of a convolution share."""

import numpy as np

from ._base import Form, packed
from ._epilogue import conv_args
from ._window import window


class SparseConv(Form):
    """A convolution whose kept weights look into a window of the input."""

    kind = "conv"
    #: share of the peak that a kernel of this form reaches
    efficiency = 0.5

    def parts(self, op, kernel):
        """The sparse matrix of each convolution group."""
        raise NotImplementedError

    def packs(self, op, kernel, parts, offsets):
        """w, idx and ptr for a vector kernel; ``offsets`` are the places of the weights in the window."""
        raise NotImplementedError

    def split(self, op):
        """The weights as a matrix (outputs, K) for each convolution group."""
        return op.weights["w"].reshape(op.attrs["group"], -1, op.weights["w"][0].size)

    def window(self, op, kernel, parts):
        return window(op, kernel, sum(part.values.size for part in parts) / len(parts))

    def args(self, op, kernel):
        parts = self.parts(op, kernel)
        if kernel.isa == "scalar":
            ptr, idx, values = joined(parts)
            packs = {"ptr": ptr, "idx": idx.astype(np.uint32), "w": values}
        else:
            win = self.window(op, kernel, parts)
            packs = {**self.packs(op, kernel, parts, win.offsets(op)), "table": win.table()}
        return {**conv_args(op), **{name: aligned(array) for name, array in packs.items()},
                "scratch_stride": self.scratch(op, kernel)}

    def scratch(self, op, kernel):
        if kernel.isa == "scalar":
            return 0
        return -(-self.window(op, kernel, self.parts(op, kernel)).floats // 16) * 16

    def cost(self, op, kernel, machine):
        n, _, oh, ow = op.outputs[0].shape
        parts = self.parts(op, kernel)
        kept = sum(part.values.size for part in parts)
        return 2 * n * oh * ow * kept, sum(part.bytes for part in parts), self.efficiency


def joined(parts):
    """(ptr, idx, values) of the rows of all ``parts``, one after another: uint32, int64, float32."""
    starts = np.cumsum([0, *(len(part.idx) for part in parts)])
    ptr = [part.ptr[:-1].astype(np.int64) + start for part, start in zip(parts, starts[:-1], strict=True)]
    return (np.concatenate([*ptr, starts[-1:]]).astype(np.uint32),
            np.concatenate([part.idx.astype(np.int64) for part in parts]),
            np.concatenate([part.values for part in parts]))


def aligned(array):
    """A copy whose memory starts on a 64-byte boundary."""
    out = packed(array.shape, array.dtype)
    out[...] = array
    return out
