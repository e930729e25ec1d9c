"""Checks and narrowings that both formats share."""

import numpy as np

from ..errors import FormatError, ShapeError


def matrix(weights):
    """``weights`` as a float32 matrix (outputs, everything else); ShapeError for fewer than two axes."""
    weights = np.asarray(weights, np.float32)
    if weights.ndim < 2:
        raise ShapeError(f"a weight matrix has at least two axes, not the shape {weights.shape}")
    return weights.reshape(weights.shape[0], int(np.prod(weights.shape[1:])))


def narrow(array, largest):
    """``array`` in the narrowest unsigned type that holds ``largest``."""
    for dtype in (np.uint8, np.uint16, np.uint32):
        if largest <= np.iinfo(dtype).max:
            return np.ascontiguousarray(array, dtype)
    return np.ascontiguousarray(array, np.uint64)


def pointers(keep):
    """Where each row of the boolean matrix ``keep`` starts in the list of its true elements: (rows + 1,)."""
    ptr = np.zeros(keep.shape[0] + 1, np.int64)
    np.cumsum(np.count_nonzero(keep, axis=1), out=ptr[1:])
    return narrow(ptr, int(ptr[-1]))


def check_shape(shape):
    """``shape`` as two ints >= 0; ShapeError otherwise."""
    shape = tuple(shape)
    if len(shape) != 2 or any(int(d) != d or d < 0 for d in shape):
        raise ShapeError(f"a sparse matrix has two sizes >= 0, not the shape {shape}")
    return int(shape[0]), int(shape[1])


def check_rows(ptr, idx, rows, columns, what):
    """FormatError unless ``ptr`` cuts ``idx`` into ``rows`` rows of ascending numbers below ``columns``."""
    for name, array in (("ptr", ptr), ("idx", idx)):
        if array.ndim != 1 or array.dtype.kind != "u":
            raise FormatError(f"{name} must be a list of unsigned numbers, not {array.dtype} of shape {array.shape}")
    if len(ptr) != rows + 1:
        raise FormatError(f"ptr has {len(ptr)} elements, not {rows + 1} for {rows} rows of {what}s")
    steps = ptr.astype(np.int64) if ptr.dtype != np.uint64 else ptr
    if steps[0] != 0 or steps[-1] != len(idx) or (steps[1:] < steps[:-1]).any():
        raise FormatError(f"ptr must rise from 0 to {len(idx)}, the number of {what}s")
    if not len(idx):
        return
    if int(idx.max()) >= columns:
        raise FormatError(f"idx holds {int(idx.max())}, but a row has {columns} {what}s")
    falls = idx[1:] <= idx[:-1]
    starts = ptr[1:-1]
    starts = starts[(starts > 0) & (starts < len(idx))].astype(np.int64)
    falls[starts - 1] = False
    if falls.any():
        raise FormatError(f"idx does not ascend within a row at {what} {int(np.argmax(falls)) + 1}")
