"""A minimal protobuf encoder, written from the format's description and not from the code under test."""

import struct


def varint(value):
    value &= 2**64 - 1
    made = b""
    while True:
        low, value = value % 128, value // 128
        made += bytes([low + 128 * (value > 0)])
        if not value:
            return made


def number(field, value):
    return varint(field * 8) + varint(value)


def length(field, data):
    data = data.encode() if isinstance(data, str) else data
    return varint(field * 8 + 2) + varint(len(data)) + data


def packed(field, values, code="f"):
    return length(field, struct.pack(f"<{len(values)}{code}", *values))


def unpacked(field, values, code="f"):
    kind = 5 if code == "f" else 1
    return b"".join(varint(field * 8 + kind) + struct.pack(f"<{code}", value) for value in values)


def shape(*dims):
    return length(7, length(1, b"".join(map(varint, dims))))


def layer(name, *blobs, type="X"):
    return length(100, length(1, name) + length(2, type) + b"".join(length(7, blob) for blob in blobs))
