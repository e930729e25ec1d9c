"""Groups of weights that live or die together: one index serves ``width`` values.

Source of the format: Yu et al., "Scalpel: Customizing DNN Pruning to the Underlying Hardware Parallelism", ISCA 2017
(groups along the inputs). The turned orientation is ours.
"""

from dataclasses import dataclass

import numpy as np

from ..errors import FormatError, ShapeError
from ._arrays import check_rows, check_shape, matrix, narrow, pointers

#: along the inputs of one row (1×w), or along the outputs in one column (w×1)
AXES = ("in", "out")


@dataclass(frozen=True, eq=False)
class Groups:
    """A matrix of aligned groups of ``width`` weights, checked when it is made.

    shape : (M, K)
    axis : "in": a group is ``width`` neighbours of one row, group number g of row m holds [m, g*width ... ].
        "out": a group is ``width`` neighbours of one column; a "row" below is then a row of blocks, r*width ... of M.
    ptr : (rows + 1,), unsigned; rows = M or ceil(M/width); row r holds the groups ptr[r] to ptr[r + 1].
    idx : (groups,), unsigned, as narrow as the shape allows; the group's number in its row, or its column; ascending.
    values : (groups, width), float32; zeros where a group sticks out of the matrix.

    ShapeError or FormatError where the parts do not fit each other: they may come from a file. Only ``shape[1]`` is not
    bounded by the arrays' lengths, so compare it with the expected one before asking for :meth:`dense`.
    """

    shape: tuple
    width: int
    axis: str
    ptr: np.ndarray
    idx: np.ndarray
    values: np.ndarray

    def __post_init__(self):
        object.__setattr__(self, "shape", check_shape(self.shape))
        _check_kind(self.width, self.axis)
        m, k, w = *self.shape, self.width
        rows, columns = (m, -(-k // w)) if self.axis == "in" else (-(-m // w), k)
        check_rows(self.ptr, self.idx, rows, columns, "group")
        if self.values.shape != (len(self.idx), w) or self.values.dtype != np.float32:
            raise FormatError(f"values must be float32 of shape {len(self.idx), w}, not "
                              f"{self.values.dtype} of shape {self.values.shape}")
        if (k if self.axis == "in" else m) % w:
            outside = self.values[self.idx == columns - 1, k % w:] if self.axis == "in" else \
                self.values[int(self.ptr[-2]):, m % w:]
            if outside.any():
                raise FormatError(f"a group has weights outside of the {m} x {k} matrix")

    @classmethod
    def from_dense(cls, weights, width, axis):
        """The groups of ``weights`` (two or more axes, the first of them the rows) that hold any nonzero.

        -0.0 is a zero, NaN is not.
        """
        _check_kind(width, axis)
        dense = matrix(weights)
        m, k = dense.shape
        pad = ((0, 0), (0, -k % width)) if axis == "in" else ((0, -m % width), (0, 0))
        padded = np.pad(dense, pad) if any(map(any, pad)) else dense
        if axis == "in":
            blocks = padded.reshape(m, -(-k // width), width)
            keep = (blocks != 0).any(axis=2)
            numbers = np.nonzero(keep)[1]
            values = blocks[keep]
        else:
            blocks = padded.reshape(-(-m // width), width, k)
            keep = (blocks != 0).any(axis=1)
            rows, numbers = np.nonzero(keep)
            values = blocks[rows, :, numbers]
        return cls(dense.shape, width, axis, pointers(keep), narrow(numbers, max(keep.shape[1] - 1, 0)),
                   np.ascontiguousarray(values))

    def dense(self):
        """The matrix as an array (M, K), float32."""
        m, k, w = *self.shape, self.width
        rows = self.rows()
        if self.axis == "in":
            blocks = np.zeros((m, -(-k // w), w), np.float32)
            blocks[rows, self.idx] = self.values
            return np.ascontiguousarray(blocks.reshape(m, blocks.shape[1] * w)[:, :k])
        blocks = np.zeros((-(-m // w), w, k), np.float32)
        blocks[rows, :, self.idx] = self.values
        return blocks.reshape(len(blocks) * w, k)[:m]

    def rows(self):
        """The row (of blocks) of each group, (groups,)."""
        return np.repeat(np.arange(len(self.ptr) - 1), np.diff(self.ptr.astype(np.int64)))

    @property
    def bytes(self):
        """Size of values, indices and pointers."""
        return self.values.nbytes + self.idx.nbytes + self.ptr.nbytes


def _check_kind(width, axis):
    if axis not in AXES:
        raise ShapeError(f"groups lie along one of {', '.join(AXES)}, not {axis!r}")
    if not 1 <= width <= 256:
        raise ShapeError(f"a group has 1 to 256 weights, not {width}")
