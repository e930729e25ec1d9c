"""What the forms that OpenBLAS multiplies share."""

from ... import isa
from ...runtime import blas
from ._base import Form


class Blas(Form):
    """Weights as Caffe has them; the work is cut into slices that do not hang on the number of threads."""

    widest = True

    #: Share of the peak that products of some size reach, packing included; rows and columns that a product is rounded
    #: up to; what it costs to begin one, in multiply-adds of a plane of such rows and columns.
    EFFICIENCY, TILE, BEGIN = 0.75, 16, 400

    def illegal(self, op, kernel):
        return blas.why_not() or self.too_large(op)

    def too_large(self, op):
        """Why its 32-bit counts do not do, or None."""
        large = max(v.size for v in (*op.inputs, *op.outputs, op.weights["w"]))
        return "OpenBLAS counts with 32 bits" if large >= 1 << 31 else None

    def products(self, kernel, machine, count, m, n, k):
        """(flops of so many products of (m, k) by (k, n), efficiency): of the peak of the kernel's own level, since
        OpenBLAS looks for the widest instruction set itself."""
        m, n = (-(-size // self.TILE) * self.TILE for size in (m, n))
        return (2 * count * (m * n * k + self.BEGIN * self.TILE**2),
                self.EFFICIENCY * machine.flops(isa.active()) / machine.flops(kernel.isa))
