"""What is known of weights that nobody can write to, so that nobody has to find it out twice."""

import weakref

import numpy as np

from .csr import Csr

_known = {}     # id of an array that owns its memory -> (weak reference to it, {(address, shape): what is known})


def known(matrix):
    """A dict that stays with the memory of ``matrix`` for as long as that lives; every C-contiguous array of this shape
    at this place has the same. None where somebody may write to it, which what is known would not survive.

    Under (convolution groups, form), forms as in :func:`.sizes`, are the matrices of each group in that form.
    """
    owner = _owner(matrix)
    if owner.flags.writeable or not matrix.flags.c_contiguous:
        return None
    key = id(owner)
    if key not in _known:
        _known.setdefault(key, (weakref.ref(owner, lambda _: _known.pop(key, None)), {}))
    return _known[key][1].setdefault((matrix.ctypes.data, matrix.shape), {})


def unpacked(stored):
    """``stored.dense()``, of a Csr or Groups, as an array that nobody can write to and that is known to be that."""
    dense = stored.dense()
    dense.flags.writeable = _owner(dense).flags.writeable = False
    known(dense)[1, "csr" if isinstance(stored, Csr) else (stored.axis, stored.width)] = [stored]
    return dense


def _owner(array):
    """The array whose memory ``array`` is a view of."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array
