"""Packed weights that are equal are the same memory: plans of one net for several shapes differ in little else."""

import weakref

import numpy as np

LEAST = 1 << 14                                     # bytes: below, looking costs more than it saves

_shared = weakref.WeakValueDictionary()             # what an array looks like from afar -> the array


def share(array):
    """``array``, or an equal one that some plan has already. Neither may be written from now on."""
    array.flags.writeable = False
    if array.nbytes < LEAST:
        return array
    held = _shared.setdefault(_glance(array), array)
    return held if held is array or _equal(held, array) else array


def _glance(array):
    """A cheap sum over the bits; equal arrays have equal ones."""
    flat = array.reshape(-1).view(np.uint8)
    words = flat[: flat.size // 8 * 8].view(np.uint64)
    return array.shape, array.dtype.str, int(words.sum(dtype=np.uint64)), flat[-8:].tobytes()


def _equal(a, b):
    return np.array_equal(a.reshape(-1).view(np.uint8), b.reshape(-1).view(np.uint8))
