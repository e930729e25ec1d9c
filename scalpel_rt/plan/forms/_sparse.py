"""The sparse forms of an operation's weights, made once for all who ask: packing, scratch size and cost."""

import weakref
from dataclasses import replace

import numpy as np

from ...sparse import Csr, Groups, known
from ..share import share
from ._base import packed
from ._zeros import zeros

_latest = weakref.WeakKeyDictionary()   # the Op that was asked for last -> what is known of its weights, if writable


def parts_of(op, axis, width):
    """The weights of each convolution group (of the one fully connected layer), a list of Csr or Groups.

    ``axis`` "in" or "out" as in Groups; None = unstructured.
    """
    weights, group, form = _matrix(op), op.attrs.get("group", 1), "csr" if axis is None else (axis, width)
    held = _held(op)
    if (group, form) not in held:
        m = len(weights) // group
        if (1, form) in held and (axis != "out" or m % width == 0):
            parts = _bands(held[1, form][0], group)
        else:
            parts = [Csr.from_dense(part) if axis is None else Groups.from_dense(part, width, axis)
                     for part in weights.reshape(group, m, -1)]
        held[group, form] = parts
    return held[group, form]


def laid_out(op, key, make):
    """What a kernel reads of sparse weights, {name: array}: what ``make()`` gives, once for as long as a plan has it.

    ``key`` says all that it hangs on besides the weights.
    """
    layouts = _held(op).setdefault("layouts", {})
    found = {name: ref() for name, ref in layouts.get(key, {}).items()}
    if not found or any(array is None for array in found.values()):
        found = {name: share(aligned(array)) for name, array in make().items()}
        for gone in [k for k, refs in list(layouts.items()) if any(ref() is None for ref in refs.values())]:
            layouts.pop(gone, None)
        layouts[key] = {name: weakref.ref(array) for name, array in found.items()}
    return found


def _held(op):
    """A dict for what is known of an operation's weights: kept with them where nobody can write to them, else until
    another operation is asked for."""
    held = known(_matrix(op))
    if held is None:
        if op not in _latest:
            _latest.clear()
        held = _latest.setdefault(op, {})
    return held


def _matrix(op):
    return op.weights["w"].reshape(len(op.weights["w"]), -1)


def _bands(matrix, count):
    """A Csr or Groups in so many bands of rows."""
    rows, bands = (len(matrix.ptr) - 1) // count, []
    for begin in range(0, count * rows, rows):
        ptr = matrix.ptr[begin : begin + rows + 1]
        inside = slice(int(ptr[0]), int(ptr[-1]))
        bands.append(replace(matrix, shape=(matrix.shape[0] // count, matrix.shape[1]), ptr=ptr - ptr[0],
                             idx=matrix.idx[inside], values=matrix.values[inside]))
    return bands


def kept(op, axis, width):
    """How many weights, zeros among them, the form that :func:`parts_of` would make keeps."""
    counts = zeros(op)
    return counts.nonzeros if axis is None else counts.kept[axis, width] * width


def joined(parts):
    """(ptr, idx, values) of the rows of all ``parts``, one after another: uint32, int64, float32."""
    starts = np.cumsum([0, *(len(part.idx) for part in parts)])
    ptr = [part.ptr[:-1].astype(np.int64) + start for part, start in zip(parts, starts[:-1], strict=True)]
    return (np.concatenate([*ptr, starts[-1:]]).astype(np.uint32),
            np.concatenate([part.idx.astype(np.int64) for part in parts]),
            np.concatenate([part.values for part in parts]))


def last_inside(groups):
    """(first columns, values) in which a group that would stick out of the matrix starts early enough not to."""
    k, width = groups.shape[1], groups.width
    first = groups.idx.astype(np.int64) * width
    values = groups.values
    early = np.maximum(first - (k - width), 0)
    if early.any():
        values = values.copy()
        values[early > 0] = np.roll(values[early > 0], width - k % width, axis=1)
    return first - early, values


def aligned(array):
    """A copy whose memory starts on a 64-byte boundary."""
    out = packed(array.shape, array.dtype)
    out[...] = array
    return out
