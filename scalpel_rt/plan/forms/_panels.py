"""Panels: a matrix cut into bands of rows, each stored column after column, so that a kernel reads it in one go."""

import numpy as np

from ._base import packed


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
    out[: cut * k].reshape(-1, k, size + 1)[...] = matrix[:cut].reshape(-1, size + 1, k).transpose(0, 2, 1)
    out[cut * k :].reshape(-1, k, size)[...] = matrix[cut:].reshape(-1, size, k).transpose(0, 2, 1)


def pack_padded(matrix, width, grain):
    """(rows, k) float32 to a flat array: bands of ``width`` rows, the last rounded up to a multiple of ``grain``
    with rows of zeros, each [k][row]."""
    rows, k = matrix.shape
    cut = rows // width * width
    last = np.zeros((-(-(rows - cut) // grain) * grain, k), np.float32)
    last[: rows - cut] = matrix[cut:]
    out = packed((cut + len(last)) * k)
    out[: cut * k].reshape(-1, k, width)[...] = matrix[:cut].reshape(-1, width, k).transpose(0, 2, 1)
    out[cut * k :].reshape(k, len(last))[...] = last.T
    return out
