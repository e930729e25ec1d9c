"""Compact files whose indices, pointers and groups are wrong: refused by name, never followed."""

import json

import numpy as np
import pytest

import scalpel_rt as srt
from scalpel_rt.caffe import read_compact

TEXT = ('input: "x" input_shape { dim: 1 dim: 16 } layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" '
        "inner_product_param { num_output: 4 bias_term: false } }")
CODES = {"float32": "F32", "uint8": "U8", "uint16": "U16", "uint32": "U32", "uint64": "U64"}


def write(path, form, ptr, idx, values, **about):
    parts = {"ptr": ptr, "idx": idx, "values": values}
    header, body = {}, b""
    for name, array in parts.items():
        header[name] = {"dtype": CODES[str(array.dtype)], "shape": list(array.shape),
                        "data_offsets": [len(body), len(body) + array.nbytes]}
        body += array.tobytes()
    entry = {"layer": "ip", "number": 0, "shape": [4, 16], "form": form, "tensors": {p: p for p in parts}, **about}
    header["__metadata__"] = {"format": "scalpel-rt compact", "version": "1", "prototxt": TEXT,
                              "parameters": json.dumps([entry])}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + body)
    return path


def u8(*numbers):
    return np.array(numbers, np.uint8)


def f32(*shape):
    return np.ones(shape, np.float32)


CSR = {
    "right": (u8(0, 1, 2, 3, 4), u8(0, 15, 3, 3), f32(4), None),
    "column out of range": (u8(0, 1, 2, 3, 4), u8(0, 16, 3, 3), f32(4), "idx holds 16"),
    "column far out of range": (u8(0, 1), np.array([2**63], np.uint64), f32(1), "ptr has 2"),
    "the same column twice": (u8(0, 2, 2, 2, 2), u8(3, 3), f32(2), "ascend"),
    "columns that fall": (u8(0, 2, 2, 2, 2), u8(5, 3), f32(2), "ascend"),
    "pointers that fall": (u8(0, 2, 1, 2, 2), u8(3, 5), f32(2), "must rise"),
    "pointers that wrap": (np.array([0, 2**63, 2**63, 2**63, 2], np.uint64), u8(3, 5), f32(2), "must rise"),
    "pointers beyond the end": (u8(0, 1, 2, 3, 200), u8(0, 1, 2, 3), f32(4), "must rise"),
    "pointers before the end": (u8(0, 1, 2, 3, 3), u8(0, 1, 2, 3), f32(4), "must rise"),
    "a first pointer": (u8(1, 1, 2, 3, 4), u8(0, 1, 2, 3), f32(4), "must rise"),
    "too few pointers": (u8(0, 1, 4), u8(0, 1, 2, 3), f32(4), "ptr has 3"),
    "no pointers": (u8(), u8(), f32(0), "ptr has 0"),
    "too few values": (u8(0, 1, 2, 3, 4), u8(0, 15, 3, 3), f32(3), "values"),
    "pointers of floats": (f32(5), u8(0, 15, 3, 3), f32(4), "unsigned"),
    "values of integers": (u8(0, 1, 2, 3, 4), u8(0, 15, 3, 3), u8(1, 1, 1, 1), "values"),
    "indices of two axes": (u8(0, 1, 2, 3, 4), u8(0, 15, 3, 3).reshape(2, 2), f32(4), "list"),
}


@pytest.mark.parametrize("case", CSR)
def test_rows(tmp_path, case):
    ptr, idx, values, message = CSR[case]
    path = write(tmp_path / "n.safetensors", "csr", ptr, idx, values)
    if message is None:
        net = srt.load(path)
        assert net.forward(x=np.arange(16).reshape(1, 16))["y"].tolist() == [[0, 15, 3, 3]]
        return
    with pytest.raises(srt.FormatError, match=f"n.safetensors.*'ip'.*{message}"):
        srt.load(path)


GROUPS = {
    "right": ("in", 4, u8(0, 1, 1, 1, 2), u8(3, 0), f32(2, 4), None),
    "group out of range": ("in", 4, u8(0, 1, 1, 1, 2), u8(4, 0), f32(2, 4), "idx holds 4"),
    "a group twice": ("in", 4, u8(0, 2, 2, 2, 2), u8(1, 1), f32(2, 4), "ascend"),
    "column out of range": ("out", 4, u8(0, 2), u8(3, 16), f32(2, 4), "idx holds 16"),
    "values of another width": ("in", 4, u8(0, 1, 1, 1, 2), u8(3, 0), f32(2, 8), "values"),
    "width of nothing": ("in", 0, u8(0, 1, 1, 1, 2), u8(3, 0), f32(2, 0), "1 to 256"),
    "a width below": ("in", -4, u8(0, 1, 1, 1, 2), u8(3, 0), f32(2, 4), "1 to 256"),
    "a huge width": ("in", 2**40, u8(0, 1, 1, 1, 2), u8(3, 0), f32(2, 4), "1 to 256"),
    "no such axis": ("up", 4, u8(0, 1, 1, 1, 2), u8(3, 0), f32(2, 4), "lie along"),
    "weights outside": ("in", 5, u8(0, 1, 1, 1, 1), u8(3), f32(1, 5), "outside"),
    "weights below": ("out", 8, u8(0, 1), u8(3), f32(1, 8), "outside"),
}


@pytest.mark.parametrize("case", GROUPS)
def test_groups(tmp_path, case):
    axis, width, ptr, idx, values, message = GROUPS[case]
    path = write(tmp_path / "n.safetensors", "group", ptr, idx, values, axis=axis, width=width)
    if message is None:
        assert srt.load(path).forward(x=np.ones((1, 16)))["y"].tolist() == [[4, 0, 0, 4]]
        return
    with pytest.raises(srt.FormatError, match=f"n.safetensors.*'ip'.*{message}"):
        srt.load(path)


@pytest.mark.parametrize("shape", [[4, 2**62], [2**62, 16], [4, -16], [4], [2**63, 2**63], [4, 4, 4]])
def test_shapes_that_lie(tmp_path, shape):
    path = write(tmp_path / "n.safetensors", "csr", *CSR["right"][:3], shape=shape)
    with pytest.raises(srt.ScalpelError, match="n.safetensors.*'ip'"):
        srt.load(path).forward()


@pytest.mark.parametrize("offsets", [[-1, 4], [4, 0], [0, 2**62], [0, 5000], [0.0, 4], ["0", 4], [0], None, [0, 3]])
def test_offsets_that_lie(tmp_path, offsets):
    path = write(tmp_path / "n.safetensors", "csr", *CSR["right"][:3])
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + length])
    header["idx"]["data_offsets"] = offsets
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + length:])
    with pytest.raises(srt.FormatError, match="n.safetensors.*'ip'.*'idx'"):
        read_compact(path)


@pytest.mark.parametrize("dtype", [["F32"], {"F": 32}, None, 32, "F99", ""])
def test_types_that_are_none(tmp_path, dtype):
    path = write(tmp_path / "n.safetensors", "csr", *CSR["right"][:3])
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + length])
    header["values"]["dtype"] = dtype
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + length:])
    with pytest.raises(srt.FormatError, match="n.safetensors.*'ip'.*'values'.*unknown type"):
        read_compact(path)


def test_every_length_of_a_cut_file(tmp_path):
    path = write(tmp_path / "n.safetensors", "csr", *CSR["right"][:3])
    data = path.read_bytes()
    for length in [*range(1, 16), *range(16, len(data), 13), len(data) - 1]:
        path.write_bytes(data[:length])
        with pytest.raises(srt.ScalpelError, match="n.safetensors"):
            srt.load(path)
