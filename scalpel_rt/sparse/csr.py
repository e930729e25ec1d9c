"""Compressed sparse rows: every nonzero weight with the number of its column."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse

from ..errors import FormatError
from ._arrays import check_rows, check_shape, matrix, narrow, pointers


@dataclass(frozen=True, eq=False)
class Csr:
    """A sparse matrix, checked when it is made.

    shape : (M, K)
    ptr : (M + 1,), unsigned; row m holds the elements ptr[m] to ptr[m + 1] of ``idx`` and ``values``.
    idx : (nonzeros,), unsigned, as narrow as K allows; columns, ascending within a row.
    values : (nonzeros,), float32.

    ShapeError or FormatError where the parts do not fit each other: they may come from a file. Only ``shape[1]`` is not
    bounded by the arrays' lengths, so compare it with the expected one before asking for :meth:`dense`.
    """

    shape: tuple
    ptr: np.ndarray
    idx: np.ndarray
    values: np.ndarray

    def __post_init__(self):
        object.__setattr__(self, "shape", check_shape(self.shape))
        check_rows(self.ptr, self.idx, self.shape[0], self.shape[1], "column")
        if self.values.shape != self.idx.shape or self.values.dtype != np.float32:
            raise FormatError(f"values must be {len(self.idx)} float32, one for each index, not "
                              f"{self.values.dtype} of shape {self.values.shape}")

    @classmethod
    def from_dense(cls, weights):
        """The nonzero elements of ``weights`` (two or more axes, the first of them the rows).

        -0.0 is a zero, NaN is not.
        """
        dense = matrix(weights)
        keep = dense != 0
        columns = np.nonzero(keep)[1]
        return cls(dense.shape, pointers(keep), narrow(columns, max(dense.shape[1] - 1, 0)), dense[keep])

    def dense(self):
        """The matrix as an array (M, K), float32."""
        out = np.zeros(self.shape, np.float32)
        out[self.rows(), self.idx] = self.values
        return out

    def rows(self):
        """The row of each element, (nonzeros,)."""
        return np.repeat(np.arange(self.shape[0]), np.diff(self.ptr.astype(np.int64)))

    def scipy(self):
        """The same as a ``scipy.sparse.csr_matrix``, which wants int32 (or int64) indices."""
        return scipy.sparse.csr_matrix((self.values, self.idx.astype(np.int64), self.ptr.astype(np.int64)), self.shape)

    @property
    def bytes(self):
        """Size of values, indices and pointers."""
        return self.values.nbytes + self.idx.nbytes + self.ptr.nbytes
