"""Strides of arrays that lie without gaps."""

from ._base import count


def strides(shape):
    """Elements from one index to the next along each axis of a C-contiguous array."""
    return tuple(count(shape, i + 1) for i in range(len(shape)))
