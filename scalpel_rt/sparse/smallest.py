"""In which form a weight matrix takes the fewest bytes."""

import numpy as np

from ._arrays import matrix
from .csr import Csr
from .groups import Groups
from .stats import stats

#: groups of so many weights are tried
WIDTHS = (2, 4, 8, 16)


def sizes(weights):
    """{form: bytes} of ``weights`` (two or more axes): values, indices and pointers.

    Forms are "dense", "csr", and (axis, width) for each kind of :class:`~scalpel_rt.sparse.Groups`.
    """
    s = stats(weights, WIDTHS)
    m, k = s.shape
    found = {"dense": 4 * m * k, "csr": s.nonzeros * (4 + _index(k - 1)) + (m + 1) * _index(s.nonzeros)}
    for (axis, width), kept in s.kept.items():
        rows, columns = (m, -(-k // width)) if axis == "in" else (-(-m // width), k)
        found[axis, width] = kept * (4 * width + _index(columns - 1)) + (rows + 1) * _index(kept)
    return found


def smallest(weights):
    """``weights`` as a :class:`Csr`, a :class:`Groups`, or themselves, a float32 array: whichever takes fewest bytes.

    Exact, except that -0.0 may become 0.0.
    """
    weights = np.asarray(weights, np.float32)
    if weights.ndim < 2 or not weights.size:
        return weights
    found = sizes(matrix(weights))
    form = min(found, key=found.get)
    if form == "dense":
        return weights
    return Csr.from_dense(weights) if form == "csr" else Groups.from_dense(weights, form[1], form[0])


def _index(largest):
    """Bytes of the narrowest unsigned number that holds ``largest``."""
    return 1 if largest < 1 << 8 else 2 if largest < 1 << 16 else 4 if largest < 1 << 32 else 8
