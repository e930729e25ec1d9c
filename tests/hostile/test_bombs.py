"""Small files that would become large: nested ones, and packed ones."""

import gzip
import io
import json
import zipfile
import zlib

import h5py
import numpy as np
import pytest

import scalpel_rt as srt
from scalpel_rt.arrays import load_arrays
from scalpel_rt.caffe import parse_prototxt, read_compact, read_weights
from scalpel_rt.caffe.writer import _field
from scalpel_rt.datasets import open_data, read_idx
from scalpel_rt.imaging import load_image

from .nets import SANITIZED, in_a_process


@pytest.mark.parametrize("opened", ["layer { ", "layer { name: ", "layer < ", "[",
                                    "layer { convolution_param { weight_filler { "])
def test_nested_prototxts(opened):
    with pytest.raises(srt.FormatError, match="line 1"):
        parse_prototxt(opened * 100_000)


def test_nested_messages_in_a_caffemodel(tmp_path):
    inner = b""
    for _ in range(15_000):     # field 7, the blobs of a layer, in field 7, and so on
        inner = _field(7, inner)
    path = tmp_path / "nested.caffemodel"
    path.write_bytes(_field(100, inner))
    try:
        read_weights(path).read_net()
    except srt.FormatError as error:
        assert str(path) in str(error)


@pytest.mark.parametrize("header", ["[" * 100_000, '{"a":' * 100_000, '{"x":1' + "0" * 10_000 + "}",
                                    '{"__metadata__":' + "[" * 5000 + "]" * 5000 + "}"])
def test_nested_headers_of_compact_files(tmp_path, header):
    path = tmp_path / "n.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header.encode())
    with pytest.raises(srt.FormatError, match="n.safetensors"):
        read_compact(path)


def png(width, height, rows=None):
    """A PNG that says it is so large, and holds ``rows`` of zeros."""
    def chunk(kind, data):
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0"
    rows = height if rows is None else rows
    packed = zlib.compress(bytes((1 + 3 * width) * rows), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def test_images_of_too_many_pixels_are_refused_unread(tmp_path):
    path = tmp_path / "bomb.png"
    for width, height in ((10_000, 10_000), (2**31 - 1, 2**31 - 1), (30_000, 3000)):
        path.write_bytes(png(width, height, rows=0))
        with pytest.raises(srt.ScalpelError, match="bomb.png"):
            load_image(path)
    path.write_bytes(png(300, 200))
    assert load_image(path).shape == (200, 300, 3)


def test_an_image_that_ends_early(tmp_path):
    path = tmp_path / "short.png"
    path.write_bytes(png(300, 200, rows=20)[:-30])
    with pytest.raises(srt.FormatError, match="short.png"):
        load_image(path)


def npy(shape, dtype="<f4"):
    head = repr({"descr": dtype, "fortran_order": False, "shape": shape}).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head


@pytest.mark.parametrize("shape", [(2**40,), (2**62, 4), (2**31, 2**31, 2**31), (-1,), (-(2**40), -1)])
def test_arrays_that_announce_more_than_the_file_has(tmp_path, shape):
    path = tmp_path / "x.npy"
    path.write_bytes(npy(shape) + bytes(100))
    with pytest.raises(srt.FormatError, match="x.npy.*announces"):
        load_arrays(path)
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", npy(shape) + bytes(10**6))
    for read in (load_arrays, open_data):
        with pytest.raises(srt.FormatError, match="x.npz.*announces"):
            read(tmp_path / "x.npz")


def test_an_array_whose_shape_is_no_numbers(tmp_path):
    path = tmp_path / "x.npy"
    path.write_bytes(npy((False, 2, True)) + bytes(100))
    with pytest.raises(srt.FormatError, match=r"x.npy.*shape \(False, 2, True\)"):
        load_arrays(path)


@pytest.mark.skipif(SANITIZED, reason="AddressSanitizer itself takes more memory than this allows")
def test_packed_arrays_beyond_the_limits_are_not_unpacked(tmp_path):
    path = tmp_path / "bomb.npz"
    with (zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
          archive.open("x.npy", "w", force_zip64=True) as file):
        file.write(npy((2**26,)))
        for _ in range(2**8):
            file.write(bytes(2**20))
    assert path.stat().st_size < 2**21
    code = """import resource, sys, scalpel_rt as srt
from scalpel_rt.arrays import load_arrays
resource.setrlimit(resource.RLIMIT_DATA, (2**28, 2**28))
try:
    load_arrays(sys.argv[1], srt.Limits(max_bytes=2**27))
except srt.LimitError as error:
    print(error)"""
    assert "max_bytes" in in_a_process(code, path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_packings_that_numpy_never_writes(tmp_path, method):
    with zipfile.ZipFile(tmp_path / "x.npz", "w", method) as archive:
        archive.writestr("x.npy", npy((3,)) + bytes(12))
    with pytest.raises(srt.FormatError, match="packed by method"):
        load_arrays(tmp_path / "x.npz")


def test_an_archive_whose_directory_lies(tmp_path):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", npy((3,)) + bytes(12))
    lies = bytearray(data.getvalue())
    at = lies.rindex(b"PK\1\2") + 24      # uncompressed size in the central directory
    lies[at:at + 4] = (2**31).to_bytes(4, "little")
    (tmp_path / "x.npz").write_bytes(lies)
    with pytest.raises(srt.FormatError, match="x.npz"):
        load_arrays(tmp_path / "x.npz")


def test_idx_files_that_unpack_to_more_than_they_say(tmp_path):
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(b"\0\0\x08\x01" + (10).to_bytes(4, "big") + bytes(2**26)))
    with pytest.raises(srt.FormatError, match="10 bytes; more follow"):
        read_idx(path)
    path.write_bytes(gzip.compress(b"\0\0\x08\x03" + b"\xff" * 12 + bytes(10)))
    with pytest.raises(srt.FormatError, match="images.gz.*the header says"):
        read_idx(path)


def test_packed_hdf5_weights_beyond_the_limits(tmp_path):
    path = tmp_path / "bomb.h5"
    with h5py.File(path, "w") as file:
        made = file.create_dataset("data/a/0", (2**26,), "u1", chunks=(2**22,), compression="gzip", compression_opts=9)
        for i in range(16):
            made[i << 22:(i + 1) << 22] = 0
        for i in range(1, 4):
            file["data/a"][str(i)] = made       # the same bytes under other names
    with pytest.raises(srt.LimitError, match="bomb.h5.*'a'.*max_bytes"):
        read_weights(path, srt.Limits(max_bytes=2**27))
    with pytest.raises(srt.LimitError, match="max_elements"):
        read_weights(path, srt.Limits(max_elements=2**20))


def test_hdf5_whose_pieces_are_larger_than_the_array(tmp_path):
    path = tmp_path / "bomb.h5"
    with h5py.File(path, "w") as file:
        made = file.create_dataset("data/a/0", (4,), "f4", chunks=(2**22,), maxshape=(None,), compression="gzip")
        made[...] = 1
    assert read_weights(path).layers[0].blobs[0].shape == (4,)
    with pytest.raises(srt.LimitError, match="bomb.h5.*'a'.*pieces of .*16777216 bytes each.*max_bytes"):
        read_weights(path, srt.Limits(max_bytes=2**20))


def test_hdf5_that_packs_twice_or_stores_nothing(tmp_path):
    path = tmp_path / "bomb.h5"
    for shape, chunks in (((2**40,), None), ((2**40,), (2**20,))):
        with h5py.File(path, "w") as file:
            file.create_dataset("data/a/0", shape, "f4", chunks=chunks)
        with pytest.raises(srt.FormatError, match="bomb.h5.*'a'.*only 0 bytes are stored"):
            read_weights(path)
    with h5py.File(path, "w") as file:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((64,))
        plist.set_deflate(9)
        plist.set_deflate(9)
        group = file.create_group("data/a")
        h5py.h5d.create(group.id, b"0", h5py.h5t.NATIVE_FLOAT, h5py.h5s.create_simple((64,)), plist)
    with pytest.raises(srt.FormatError, match="filters"):
        read_weights(path)


def test_compact_files_whose_parameters_share_bytes(tmp_path):
    path = tmp_path / "n.safetensors"
    parameters = [{"layer": f"l{i}", "number": 0, "shape": [4], "form": "dense", "tensors": {"values": f"t{i}"}}
                  for i in range(2)]
    for tensors, message in (({"t0": [0, 16], "t1": [8, 24]}, "where another does"), ({"t0": [0, 16]}, "missing")):
        header = {name: {"dtype": "F32", "shape": [4], "data_offsets": at} for name, at in tensors.items()}
        if len(tensors) == 1:
            parameters[1]["tensors"]["values"] = "t0"
        header["__metadata__"] = {"format": "scalpel-rt compact", "version": "1", "prototxt": "",
                                  "parameters": json.dumps(parameters)}
        text = json.dumps(header).encode()
        path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(32))
        with pytest.raises(srt.FormatError, match=f"n.safetensors.*'l1'.*{message}"):
            read_compact(path)


def test_weights_that_are_not_there_take_no_memory(tmp_path):
    """A caffemodel of a hundred bytes whose blob says it has 2^40 elements."""
    path = tmp_path / "lies.caffemodel"
    shape = b"\x3a\x08\x0a\x06" + b"\x80\x80\x80\x80\x80\x20"
    blob = b"\x3a" + bytes([len(shape)]) + shape
    body = b"\x0a\x01l" + blob
    path.write_bytes(b"\xa2\x06" + bytes([len(body)]) + body)
    [read] = read_weights(path).layers
    assert read.blobs[0].shape == (2**40,) and read.blobs[0].array.size == 0
    text = 'input: "x" input_shape { dim: 1 dim: 4 } layer { name: "l" type: "InnerProduct" bottom: "x" top: "y" ' \
           "inner_product_param { num_output: 2 } }"
    (tmp_path / "n.prototxt").write_text(text)
    with pytest.raises(srt.WeightsError, match="'l'"):
        srt.load(tmp_path / "n.prototxt", path)
    assert np.isfinite(srt.load(tmp_path / "n.prototxt").forward()["y"]).all()


def test_an_archive_whose_members_lie_before_its_begin(tmp_path):
    """zipfile seeks to where the directory says, which may be below zero."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("x.npy", npy((3,)) + bytes(12))
    lies = bytearray(data.getvalue())
    at = lies.rindex(b"PK\5\6")
    size = int.from_bytes(lies[at + 12:at + 16], "little")
    lies[at + 16:at + 20] = (at - size + 50).to_bytes(4, "little")      # the directory, 50 bytes too far
    (tmp_path / "x.npz").write_bytes(lies)
    with pytest.raises(srt.FormatError, match="x.npz"):
        load_arrays(tmp_path / "x.npz")


def test_headers_of_arrays_that_are_no_python(tmp_path):
    for header in (b"{'descr': '<f4', (", b"(" * 5000,
                   b"{'descr': __import__('os'), 'fortran_order': False, 'shape': ()}",
                   b"{'descr': '<f4', 'fortran_order': False, 'shape': (1" + b"0" * 5000 + b",)}"):
        (tmp_path / "x.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(99))
        with pytest.raises(srt.FormatError, match="x.npy"):
            load_arrays(tmp_path / "x.npy")
