import json
import math
import mmap
import os
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalpel_rt.caffe import messages, read_blobproto, read_weights
from scalpel_rt.errors import FormatError

from .encode import layer, length, number, packed, shape, unpacked, varint

ANY = messages("any")


@pytest.fixture
def load(tmp_path):
    """Writes bytes to a file and reads it as weights."""
    def read(data):
        path = tmp_path / "weights.caffemodel"
        path.write_bytes(data)
        return read_weights(path)
    return read


def base_of(array):
    while isinstance(array, np.ndarray):
        array = array.base
    return array


def values_of(proto):
    """A BlobProto's values as Caffe takes them, by protobuf alone."""
    if proto.raw_data:
        return np.frombuffer(proto.raw_data, {1: "<f4", 2: "<f2"}[proto.raw_data_type]).astype(np.float32)
    return np.array(proto.double_data or proto.data, np.float32)


# ---- real files ----------------------------------------------------------------------------------------------


def assert_as_protobuf_reads(path):
    net = ANY.NetParameter.FromString(path.read_bytes())
    weights = read_weights(path)
    layers = [old.layer if old.HasField("layer") else old for old in net.layers] + list(net.layer)
    assert [layer.name for layer in weights.layers] == [layer.name for layer in layers]
    for made, wanted in zip(weights.layers, layers, strict=True):
        for blob, proto in zip(made.blobs, wanted.blobs, strict=True):
            assert blob.array.dtype == np.float32 and blob.array.ndim == 1
            assert np.array_equal(blob.array, values_of(proto), equal_nan=True)
            assert blob.legacy == any(proto.HasField(name) for name in ("num", "channels", "height", "width"))
            legacy = (proto.num, proto.channels, proto.height, proto.width)
            assert blob.shape == (legacy if blob.legacy else tuple(proto.shape.dim))
    return weights


def test_real_models(shared):
    paths = sorted((shared / "models").glob("*/weights.caffemodel"))
    assert len(paths) == 15
    for path in paths:
        weights = assert_as_protobuf_reads(path)
        assert all(math.prod(blob.shape) == blob.array.size for layer in weights.layers for blob in layer.blobs)
        assert weights.format == ("V1" if "v1" in path.parent.name.split("_") else "V2")
        assert len(weights.read_net().layer) == len(weights.layers)


def test_values_of_caffe_itself(shared):
    """The blobs that Caffe saved after a forward must follow from the weights: the first layer of LeNet."""
    weights = read_weights(shared / "models" / "lenet_bvlc_a" / "weights.caffemodel")
    kernel, bias = (blob.array.reshape(blob.shape) for blob in weights.layers[1].blobs)
    blobs = np.load(shared / "models" / "lenet_bvlc_a" / "caffe_blobs.npz")
    windows = np.lib.stride_tricks.sliding_window_view(blobs["data"][0], (5, 5), (1, 2))
    made = np.einsum("chwij,ocij->ohw", windows, kernel) + bias[:, None, None]
    assert np.allclose(made, blobs["conv1"][0], rtol=1e-5, atol=1e-5)


def test_fp16_of_nvidias_fork(shared):
    weights = read_weights(shared / "models" / "hyperlpr_finemapping" / "weights.caffemodel")
    conv1 = weights.layers[1]
    assert (conv1.name, conv1.type) == ("conv1", "Convolution")
    assert [blob.shape for blob in conv1.blobs] == [(10, 3, 3, 3), (10,)]
    assert 0.01 < np.abs(conv1.blobs[0].array).mean() < 1


def test_golden_weights(shared):
    folder = shared / "golden" / "cases"
    cases = json.loads((folder / "cases.json").read_text())
    binary = 0
    for case in cases:
        path = folder / str(case.get("weights"))
        if case["name"] in ("err_w_truncated", "err_w_garbage", "err_w_text"):
            with pytest.raises(FormatError) as caught:
                read_weights(path)
            assert str(path) in str(caught.value)
            if case["name"] == "err_w_text":
                assert "prototxt" in str(caught.value)
        elif path.is_file() and path.read_bytes()[1:4] != b"HDF":
            binary += 1
            weights = assert_as_protobuf_reads(path)
            expected = "V0" if "v0_weights" in path.name else "V1" if "v1_" in path.name else "V2"
            if path.name.startswith(("v0", "v1", "v2")) and "shared" not in path.name and "v2_w" not in path.name:
                assert weights.format == expected
    assert binary > 100


def test_old_types_have_todays_names(shared):
    folder = shared / "golden" / "cases"
    for name in ("v0_net_v0_weights", "v0_net_v1_weights"):
        types = [layer.type for layer in read_weights(folder / f"{name}.caffemodel").layers]
        assert types == ["Convolution", "ReLU", "Pooling", "LRN", "Dropout", "InnerProduct", "Softmax"]


# ---- no copy -------------------------------------------------------------------------------------------------


def test_arrays_are_the_mapped_file(load, tmp_path):
    weights = load(layer("fc", shape(2, 3) + packed(5, range(6)), shape(3) + unpacked(5, [1, 2, 3])))
    kernel, bias = (blob.array for blob in weights.layers[0].blobs)
    assert type(base_of(kernel)) is mmap.mmap and base_of(kernel) is base_of(bias)
    assert bias.strides == (5,) and bias.tolist() == [1, 2, 3]
    address = np.frombuffer(base_of(kernel), np.uint8).ctypes.data
    assert 0 < kernel.ctypes.data - address < len(base_of(kernel))


def test_writing_stays_private(load, tmp_path):
    data = layer("fc", shape(3) + packed(5, [1, 2, 3]))
    array = load(data).layers[0].blobs[0].array
    array[:] = 7
    assert array.tolist() == [7, 7, 7]
    assert (tmp_path / "weights.caffemodel").read_bytes() == data


def test_arrays_outlive_everything_else(load, tmp_path):
    array = load(layer("fc", shape(1000) + packed(5, range(1000)))).layers[0].blobs[0].array
    os.unlink(tmp_path / "weights.caffemodel")
    assert array.sum() == 499500


# ---- the forms that a blob can have ----------------------------------------------------------------------------


@pytest.mark.parametrize("data", [
    packed(5, [1, 2, 3]),
    unpacked(5, [1, 2, 3]),
    packed(5, [1, 2]) + packed(5, [3]),
    packed(5, [1]) + shape() + unpacked(5, [2]) + packed(5, []) + packed(5, [3]),
    unpacked(5, [1]) + number(99, 3) + unpacked(5, [2, 3]),
    packed(6, [9, 9, 9]) + packed(5, [1, 2, 3]) + unpacked(9, [9], "d"),
    packed(8, [1, 2, 3], "d"),
    unpacked(8, [1, 2, 3], "d"),
    packed(5, [9, 9, 9]) + packed(8, [1, 2, 3], "d"),
    packed(8, [], "d") + packed(5, [1, 2, 3]),
    number(10, 2) + packed(12, [1, 2, 3], "e"),
    packed(12, [1, 2, 3], "e") + number(10, 2),
    number(10, 0) + packed(12, [1, 2, 3], "d"),
    number(10, 1) + packed(12, [1, 2, 3]),
    packed(12, [1, 2, 3]),
    number(10, 3) + packed(12, [1, 2, 3], "i"),
])
def test_forms_of_data(load, data):
    blob, = load(layer("x", data)).layers[0].blobs
    assert blob.array.tolist() == [1, 2, 3] and blob.array.dtype == np.float32


@pytest.mark.parametrize(("data", "expected", "legacy"), [
    (b"", (), False),
    (length(7, b""), (), False),
    (shape(2, 3), (2, 3), False),
    (length(7, number(1, 2) + number(1, 3)), (2, 3), False),
    (shape(2) + shape(3), (2, 3), False),
    (number(1, 2) + number(2, 3) + number(3, 4) + number(4, 5), (2, 3, 4, 5), True),
    (number(4, 5), (0, 0, 0, 5), True),
    (number(4, 5) + shape(2, 3), (0, 0, 0, 5), True),
    (shape(*range(1, 33)), tuple(range(1, 33)), False),
])
def test_forms_of_shape(load, data, expected, legacy):
    blob, = load(layer("x", data)).layers[0].blobs
    assert (blob.shape, blob.legacy, blob.array.size) == (expected, legacy, 0)


def test_double_beyond_float_becomes_infinite(load):
    blob, = load(layer("x", packed(8, [1e300, -1e300, 1e-300], "d"))).layers[0].blobs
    assert blob.array.tolist() == [math.inf, -math.inf, 0]


def test_order_of_fields_does_not_matter(load):
    blob = packed(5, [1, 2]) + shape(2)
    weights = load(length(100, length(7, blob) + length(2, "T") + length(1, "n")) + length(1, "net"))
    assert (weights.layers[0].name, weights.layers[0].type, weights.layers[0].blobs[0].shape) == ("n", "T", (2,))


floats = st.lists(st.floats(width=32), max_size=300)
chunk = st.tuples(st.sampled_from([packed, unpacked]), st.sampled_from([5, 6]), floats)


@given(st.lists(chunk, max_size=6), st.lists(st.integers(0, 9), max_size=5), st.booleans())
@settings(max_examples=150, deadline=None)
def test_any_mixture_reads_as_protobuf_reads_it(tmp_path_factory, chunks, dims, shape_first):
    data = b"".join(make(field, values) for make, field, values in chunks)
    data = shape(*dims) + data if shape_first else data + shape(*dims)
    path = tmp_path_factory.getbasetemp() / "mixture.caffemodel"
    path.write_bytes(layer("x", data))
    blob, = read_weights(path).layers[0].blobs
    expected = ANY.BlobProto.FromString(data)
    assert blob.array.tobytes() == struct.pack(f"<{len(expected.data)}f", *expected.data)
    assert blob.shape == tuple(expected.shape.dim)


# ---- what is wrong ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [
    b"",
    b"\n",
    varint(100 * 8 + 2) + varint(2**31),
    varint(100 * 8 + 2) + varint(2**63) + b"x",
    varint(100 * 8 + 2) + b"\xff" * 11,
    varint(100 * 8 + 3) + varint(100 * 8 + 4),
    varint(100 * 8 + 6),
    varint(0) + b"\0",
    varint(2**32) + b"\0",
    b"\xff" * 100,
    length(77, "an unknown field and nothing else"),
    layer("x", length(5, b"12345")),
    layer("x", length(8, b"12345678" * 2 + b"1")),
    layer("x", varint(5 * 8 + 2) + varint(2**40)),
    layer("x", number(10, 9) + length(12, b"1234")),
    layer("x", number(10, 2) + length(12, b"123")),
    layer("x", shape(2, -3)),
    layer("x", number(1, -1)),
    layer("x", shape(*range(33))),
    layer("x", shape(*[1] * 10**6)),
    layer("x", length(7, length(1, b"\x80"))),
    layer("x", varint(5 * 8 + 5) + b"123"),
    length(100, length(7, b"\x2d")),
    length(100, length(7, b"") * 200_001),
    layer("x") * 200_001,
    length(1, "net") + number(5, 1) * 1_000_001,
    layer("x") + length(2, length(4, "y")),
    length(2, length(1, b"\x0a\xff")),
])
def test_damage_is_a_format_error(load, tmp_path, data):
    with pytest.raises(FormatError) as caught:
        load(data)
    assert str(caught.value).startswith(str(tmp_path / "weights.caffemodel"))


def test_every_truncation_of_a_file(shared, load):
    data = (shared / "golden" / "cases" / "net_prelu_face.caffemodel").read_bytes()
    whole = load(data)
    for size in range(0, len(data), max(1, len(data) // 200)):
        try:
            cut = load(data[:size])
        except FormatError:
            continue
        for a, b in zip(cut.layers, whole.layers, strict=False):  # a cut just between two layers is a file too
            assert a.name == b.name
            assert all(np.array_equal(x.array, y.array) for x, y in zip(a.blobs, b.blobs, strict=True))
        assert len(cut.layers) < len(whole.layers)


def test_a_name_that_is_not_utf8(load):
    assert load(length(100, length(1, b"caf\xe9"))).layers[0].name == "caf\u00e9"


def test_a_name_is_named(load):
    with pytest.raises(FormatError) as caught:
        load(layer("conv1", length(5, b"123")))
    assert caught.value.layer == "conv1"


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_weights(tmp_path / "no.caffemodel")
    with pytest.raises(IsADirectoryError):
        read_weights(tmp_path)


# ---- the net in the file, and files of one blob ------------------------------------------------------------------


def test_net_without_its_data(shared):
    path = shared / "models" / "cifar10_quick_v1" / "weights.caffemodel"
    net = read_weights(path).read_net()
    assert net.layer[1].type == "Convolution" and net.layer[1].convolution_param.num_output == 32
    assert net.layer[1].param[1].lr_mult == 2
    assert net.layer[1].blobs[0].num == 32 and not net.layer[1].blobs[0].data
    assert net.ByteSize() < 5000


def test_net_with_a_forks_clashing_field(load):
    """Swish's number, used by a fork for something else: the layer is read, that field is not."""
    data = length(100, length(1, "x") + length(147, b"\xff\xff") + length(117, number(1, 5)))
    net = load(data).read_net()
    assert net.layer[0].inner_product_param.num_output == 5 and not net.layer[0].HasField("swish_param")


def test_blobproto(tmp_path, shared):
    path = tmp_path / "mean.binaryproto"
    path.write_bytes(b"".join(number(i, dim) for i, dim in enumerate((1, 3, 2, 2), 1)) + packed(5, range(12)))
    mean = read_blobproto(path)
    assert mean.shape == (1, 3, 2, 2) and mean.dtype == np.float32 and np.array_equal(mean.ravel(), range(12))
    assert mean.flags.aligned and mean.flags.writeable
    path.write_bytes(shape(2, 3) + packed(5, range(5)))
    with pytest.raises(FormatError, match=r"5 values for the shape \(2, 3\)"):
        read_blobproto(path)
    path.write_bytes(shape(2**40, 2**40) + packed(5, range(5)))
    with pytest.raises(FormatError):
        read_blobproto(path)
    assert read_blobproto(shared / "golden" / "cases" / "infogain_file.binaryproto").size > 1
