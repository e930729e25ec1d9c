"""Writes weights as Caffe does: a V2 caffemodel, or HDF5."""

import numpy as np

from ..errors import FormatError, LimitError
from ..files import atomic_write
from .weights import BLOB_DATA, BLOB_SHAPE, MAX_AXES, NET_LAYER, V2_BLOBS, V2_NAME, V2_TYPE
from .wire import LENGTH

V2_BOTTOM, V2_TOP = 3, 4
MAX_BYTES = 2**31 - 1  # protobuf, and so Caffe, reads no more


def write_caffemodel(path, name, layers):
    """Write a binary caffemodel that any Caffe reads: V2, blobs with `shape` and packed floats.

    Parameters
    ----------
    path : where to; written whole or not at all
    name : str
        The net's.
    layers : iterable of (name, type, arrays) or (name, type, arrays, bottoms, tops)
        In the order of the net, layers without parameters too. Arrays of any real type are written as float32, in
        C order and of at most 32 axes; they go to the file one by one, straight from where they are.

    Raises LimitError above 2 GiB - 1, the most that Caffe can read, and FormatError naming the layer for an array
    that is no array of numbers.
    """
    plan = [_plan_layer(*layer) for layer in layers]
    head = _string(1, name)
    size = len(head) + sum(len(key) + inner for key, inner, _, _ in plan)
    if size > MAX_BYTES:
        raise LimitError(f"{size} bytes of weights, more than the {MAX_BYTES} that a caffemodel can have; "
                         "HDF5 has no such limit", file=str(path))
    with atomic_write(path) as file:
        file.write(head)
        for key, _, fields, blobs in plan:
            file.write(key + fields)
            for before, array, after in blobs:
                file.write(before)
                if array.size:
                    file.write(np.ascontiguousarray(array, "<f4").reshape(-1).view(np.uint8))
                file.write(after)


def write_hdf5(path, layers):
    """Write the same as HDF5 (`.caffemodel.h5`): dataset ``/data/<layer>/<i>`` for each array.

    ``layers`` as for :func:`write_caffemodel`. Raises FormatError for names that cannot be those of a group: a "/"
    in it, the same name twice, no name; ImportError without h5py.
    """
    from .hdf5 import write_layers

    write_layers(path, [(name, [_checked(name, array) for array in arrays]) for name, _, arrays, *_ in layers])


def _checked(layer, array):
    array = np.asarray(array)
    if array.dtype.kind not in "fiub":
        raise FormatError(f"an array of {array.dtype} is no blob", layer=layer)
    if array.ndim > MAX_AXES:
        raise FormatError(f"an array of {array.ndim} axes, a blob has at most {MAX_AXES}", layer=layer)
    return array


def _plan_layer(name, type, arrays, bottoms=(), tops=()):
    """(key and length of the layer, its length, its fields but blobs, [(a blob's bytes before its data, array,
    bytes after)]). The fields are in the order of their numbers, so that the file is just what Caffe would write."""
    fields = _string(V2_NAME, name) + _string(V2_TYPE, type)
    fields += b"".join(_string(V2_BOTTOM, bottom) for bottom in bottoms)
    fields += b"".join(_string(V2_TOP, top) for top in tops)
    blobs, size = [], len(fields)
    for array in arrays:
        array = _checked(name, array)
        data = _key(BLOB_DATA, 4 * array.size) if array.size else b""
        dims = b"".join(_varint(dim) for dim in array.shape)
        shape = _field(BLOB_SHAPE, _field(1, dims)) if dims else b""
        before = _key(V2_BLOBS, len(data) + 4 * array.size + len(shape)) + data
        blobs.append((before, array, shape))
        size += len(before) + 4 * array.size + len(shape)
    return _key(NET_LAYER, size), size, fields, blobs


def _varint(value):
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    made.append(value)
    return bytes(made)


def _key(number, length):
    """The start of a field of ``length`` bytes."""
    return _varint(number << 3 | LENGTH) + _varint(length)


def _field(number, data):
    return _key(number, len(data)) + data


def _string(number, text):
    return _field(number, text.encode())
