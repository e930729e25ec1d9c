"""Fully connected, unstructured zeros: single weights in slices of eight rows."""

from ._base import register
from ._slices import Sliced


@register
class FcCsr(Sliced):
    name = "csr"
    weights = "csr"
    efficiency = 0.1

    def groups(self, part):
        return part.idx, part.values[:, None]
