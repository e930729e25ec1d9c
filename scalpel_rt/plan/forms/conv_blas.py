"""Convolution by OpenBLAS, as Caffe does it: the windows as columns of a matrix (im2col), some at a time."""

import numpy as np

from ._base import register
from ._blas import Blas
from ._epilogue import conv_args

SLICE = 512             # pixels of one product: SLICE_PIXELS in the kernel, where the columns are the image itself
BLOCK = 512 * 1024      # floats of columns that a thread keeps otherwise: some of the third cache
LEAST = 64              # pixels
#: What is done for each element of the columns, in multiply-adds.
COPY = 6.0


@register
class ConvBlas(Blas):
    kind = "conv"
    name = "blas"

    def args(self, op, kernel):
        return {**conv_args(op), "w": np.ascontiguousarray(op.weights["w"], np.float32),
                "scratch_stride": self.scratch(op, kernel)}

    def scratch(self, op, kernel):
        return 0 if self.direct(op) else op.weights["w"][0].size * self.slice(op)

    def direct(self, op):
        """The columns are the image."""
        return all(op.attrs[name] == 1 for name in ("kh", "kw", "sh", "sw")) and op.attrs["ph"] == op.attrs["pw"] == 0

    def slice(self, op):
        """Pixels of one product."""
        if self.direct(op):
            return SLICE
        _, _, oh, ow = op.outputs[0].shape
        return min(oh * ow, SLICE, max(LEAST, BLOCK // op.weights["w"][0].size))

    def most_parts(self, op, kernel):
        n, _, oh, ow = op.outputs[0].shape
        return n * op.attrs["group"] * -(-oh * ow // self.slice(op))

    def cost(self, op, kernel, machine):
        w, group = op.weights["w"], op.attrs["group"]
        flops, efficiency = self.products(kernel, machine, self.most_parts(op, kernel), len(w) // group, self.slice(op),
                                          w[0].size)
        n, _, oh, ow = op.outputs[0].shape
        copied = 0 if self.direct(op) else 2 * COPY * n * group * oh * ow * w[0].size
        return flops + copied, 4 * w.size, efficiency
