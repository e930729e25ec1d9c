"""Panels: a matrix cut into bands of rows, each band stored column after column, so that a kernel reads it in one go."""

import numpy as np


def even_bands(rows, most):
    """Begins of the fewest bands of at most ``most`` rows, as even as can be, and the end: what even_begin does in C."""
    count = -(-rows // most)
    size, rest = divmod(rows, count)
    return [i * size + min(i, rest) for i in range(count + 1)]


def pack_even(matrix, most):
    """(rows, k) float32 to a flat array of the same size: for each of even_bands, [k][row]."""
    rows, k = matrix.shape
    size, rest = divmod(rows, -(-rows // most))
    cut = rest * (size + 1)
    out = np.empty(rows * k, np.float32)
    out[: cut * k].reshape(-1, k, size + 1)[...] = matrix[:cut].reshape(-1, size + 1, k).transpose(0, 2, 1)
    out[cut * k :].reshape(-1, k, size)[...] = matrix[cut:].reshape(-1, size, k).transpose(0, 2, 1)
    return out


def pack_padded(matrix, width, grain):
    """(rows, k) float32 to a flat array: bands of ``width`` rows, the last rounded up to a multiple of ``grain``
    with rows of zeros, each [k][row]."""
    rows, k = matrix.shape
    cut = rows // width * width
    last = np.zeros((-(-(rows - cut) // grain) * grain, k), np.float32)
    last[: rows - cut] = matrix[cut:]
    out = np.empty((cut + len(last)) * k, np.float32)
    out[: cut * k].reshape(-1, k, width)[...] = matrix[:cut].reshape(-1, width, k).transpose(0, 2, 1)
    out[cut * k :].reshape(k, len(last))[...] = last.T
    return out

