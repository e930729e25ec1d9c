"""Fully connected, unstructured zeros: single weights in slices of eight rows."""

from ...sparse import Csr
from ._base import register
from ._remember import remembered
from ._slices import Sliced


@register
class FcCsr(Sliced):
    name = "csr"
    weights = "csr"
    efficiency = 0.15

    @remembered
    def rows(self, op, kernel):
        csr = Csr.from_dense(op.weights["w"])
        return csr.ptr, csr.idx, csr.values[:, None]
