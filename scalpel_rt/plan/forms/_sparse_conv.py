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

    def packs(self, op, kernel, parts, win):
        """w, idx, ptr and table for a vector kernel that looks through the Window ``win``."""
        raise NotImplementedError

    def plain(self, parts):
        """(ptr, number of the first weight, values) of the groups, for the scalar kernel."""
        return joined(parts)

    def split(self, op):
        """The weights as a matrix (outputs, K) for each convolution group."""
        return op.weights["w"].reshape(op.attrs["group"], -1, op.weights["w"][0].size)

    def window(self, op, kernel, parts):
        return window(op, kernel, sum(part.values.size for part in parts) / len(parts))

    def args(self, op, kernel):
        parts = self.parts(op, kernel)
        if kernel.isa == "scalar":
            ptr, idx, values = self.plain(parts)
            packs = {"ptr": ptr, "idx": idx.astype(np.uint32), "w": values}
        else:
            packs = self.packs(op, kernel, parts, self.window(op, kernel, parts))
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


def last_inside(groups):
    """(first columns, values) in which a group that would stick out of the matrix starts early enough not to."""
    k, width = groups.shape[1], groups.width
    first = groups.idx.astype(np.int64) * width
    values = groups.values
    early = np.maximum(first - (k - width), 0)
    if early.any():
        values = values.copy()
        shift = k % width
        values[early > 0] = np.roll(values[early > 0], width - shift, axis=1)
    return first - early, values


def aligned(array):
    """A copy whose memory starts on a 64-byte boundary."""
    out = packed(array.shape, array.dtype)
    out[...] = array
    return out
