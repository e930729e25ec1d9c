"""Walks protobuf's wire format, so that the payload of a caffemodel is found without being copied.

The encoding is described at https://protobuf.dev/programming-guides/encoding: a message is a run of fields, each a
varint key (number and wire type) and a value. Here a value of length is never sliced out, only located.
"""

import numpy as np

from ..errors import FormatError

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
MAX_FIELDS = 1_000_000  # of one message: far beyond any net, so that a hostile file cannot keep us busy


def varint(data, position, end):
    """The varint at ``position``: (its value, unsigned below 2**64; where it ends)."""
    value = shift = 0
    while position < end:
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value & 0xFFFFFFFFFFFFFFFF, position
        shift += 7
        if shift > 63:
            raise FormatError(f"a number of more than ten bytes at byte {position}")
    raise FormatError(f"cut off in a number at byte {position}")


def signed(value):
    """An int32 or int64 field's value, as varints carry it."""
    return value - (1 << 64) if value >> 63 else value


def fields(data, start, end):
    """The fields of the message in ``data[start:end]``, in file order.

    Yields (number, wire type, value, key, stop): ``value`` is the number of a VARINT, else where the value starts;
    ``key`` is where the field starts and ``stop`` where it ends. Raises FormatError for what is no message:
    a field that would end after ``end``, groups (no Caffe has any), field number 0, wire types that do not exist.
    """
    position, left = start, MAX_FIELDS
    while position < end:
        if not left:
            raise FormatError(f"more than {MAX_FIELDS} fields in a message of a net")
        left -= 1
        key = position
        tag, position = varint(data, position, end)
        number, kind = tag >> 3, tag & 7
        if not 0 < number < 1 << 29:
            raise FormatError(f"field number {number} at byte {key}")
        value = position
        if kind == VARINT:
            value, position = varint(data, position, end)
        elif kind == LENGTH:
            length, value = varint(data, position, end)
            position = value + length
        elif kind == FIXED32:
            position += 4
        elif kind == FIXED64:
            position += 8
        else:
            raise FormatError(f"wire type {kind} at byte {key}")
        if position > end:
            raise FormatError(f"field {number} at byte {key} should end at byte {position}, "
                              f"but there is no more after byte {end}: the file is cut off or garbled")
        yield number, kind, value, key, position


def run_length(data, key, stop, end):
    """How many fields of the same fixed-width kind follow one another from the one in ``data[key:stop]`` on.

    Repeated numbers that are not packed are such runs, of perhaps millions; comparing their keys at once saves
    walking them one by one. The key must be a single byte.
    """
    stride = stop - key
    available = (end - key) // stride
    count, window = 0, 64
    while count < available:
        window = min(window * 4, available - count)
        keys = np.frombuffer(data, np.uint8, (window - 1) * stride + 1, key + count * stride)[::stride]
        same = keys == data[key]
        if not same.all():
            return count + int(same.argmin())
        count += window
    return count
