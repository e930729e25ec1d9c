"""Panels: a matrix cut into bands of rows, each stored column after column, so that a kernel reads it in one go."""

import functools

import numpy as np

from ...isa import runnable
from ...runtime import _kernels
from ._base import packed


def turn(bands, out):
    """(bands, rows, columns) to ``out`` (bands, columns, rows), both float32 and contiguous.

    By the copy kernel: NumPy takes many times as long for matrices that are larger than the caches.
    """
    bands = np.require(bands, np.float32, "CA")     # in a file that is mapped, weights begin at any byte
    count, rows, columns = bands.shape
    numbers = {"d3": count, "xs3": rows * columns, "ys3": rows * columns, "d4": columns, "xs4": 1, "ys4": rows,
               "d5": rows, "xs5": columns, "ys5": 1}
    _kernels.call(_copy(), {"x": bands, "y": out, "d0": 1, "d1": 1, "d2": 1, **numbers})


@functools.cache
def _copy():
    return [kernel for kernel in _kernels.kernels() if kernel.kind == "copy" and kernel.isa in runnable()][-1]


def even_parts(total, most):
    """(begin, end) of the fewest parts of at most ``most``, as even as can be: as even_begin in C has it."""
    count = -(-total // most)
    size, rest = divmod(total, count)
    begins = [i * size + min(i, rest) for i in range(count + 1)]
    return list(zip(begins, begins[1:], strict=False))


def pack_even(matrix, most, out):
    """(rows, k) to ``out``, a contiguous float32 array of the same size: bands of rows as
    even_parts has them, each [k][row]."""
    rows, k = matrix.shape
    size, rest = divmod(rows, -(-rows // most))
    cut = rest * (size + 1)
    out = out.reshape(-1)
    turn(matrix[:cut].reshape(-1, size + 1, k), out[: cut * k])
    turn(matrix[cut:].reshape(-1, size, k), out[cut * k :])


def pack_padded(matrix, width, grain):
    """(rows, k) float32 to a flat array: bands of ``width`` rows, the last rounded up to a multiple of ``grain``
    with rows of zeros, each [k][row]."""
    rows, k = matrix.shape
    cut = rows // width * width
    last = np.zeros((1, -(-(rows - cut) // grain) * grain, k), np.float32)
    last[0, : rows - cut] = matrix[cut:]
    out = packed(cut * k + last.size)
    turn(matrix[:cut].reshape(-1, width, k), out[: cut * k])
    turn(last, out[cut * k :])
    return out
