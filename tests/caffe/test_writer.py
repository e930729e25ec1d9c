import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from scalpel_rt.caffe import messages, read_weights, write_caffemodel, write_hdf5
from scalpel_rt.errors import FormatError, LimitError

ANY = messages("any")
arrays = hnp.arrays(np.float32, hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=6),
                    elements=st.floats(width=32))
layers = st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.text("abcXYZ"),
                            st.lists(arrays, max_size=3)), max_size=5)


def assert_same(weights, written):
    assert [layer.name for layer in weights.layers] == [name for name, *_ in written]
    for layer, (_, _, wanted, *_) in zip(weights.layers, written, strict=True):
        for blob, array in zip(layer.blobs, wanted, strict=True):
            assert blob.shape == array.shape and not blob.legacy
            assert blob.array.tobytes() == np.asarray(array, np.float32).tobytes()


@given(st.text("net"), layers)
@settings(max_examples=100, deadline=None)
def test_round_trip(tmp_path_factory, name, written):
    path = tmp_path_factory.getbasetemp() / "round_trip.caffemodel"
    write_caffemodel(path, name, written)
    weights = read_weights(path)
    assert_same(weights, written)
    assert [layer.type for layer in weights.layers] == [type for _, type, _ in written]


def test_protobuf_reads_what_is_written(tmp_path):
    path = tmp_path / "weights.caffemodel"
    kernel = np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2)
    write_caffemodel(path, "lenet", [("data", "Input", [], [], ["data"]),
                                     ("c/1", "Convolution", [kernel, np.float32([1, -2])], ["data"], ["c", "d"]),
                                     ("factor", "Bias", [np.float32(3)])])
    net = messages("bvlc").NetParameter.FromString(path.read_bytes())
    assert net.name == "lenet" and [layer.name for layer in net.layer] == ["data", "c/1", "factor"]
    conv = net.layer[1]
    assert (conv.type, list(conv.bottom), list(conv.top)) == ("Convolution", ["data"], ["c", "d"])
    assert list(conv.blobs[0].shape.dim) == [2, 3, 2, 2] and list(conv.blobs[0].data) == list(range(24))
    assert list(conv.blobs[1].data) == [1, -2]
    assert list(net.layer[2].blobs[0].data) == [3] and not net.layer[2].blobs[0].shape.dim
    assert net.SerializeToString() == path.read_bytes()  # no field twice, none in an order of its own


def test_any_array_is_written_as_float32_in_c_order(tmp_path):
    path = tmp_path / "weights.caffemodel"
    base = np.arange(24, dtype=np.float64).reshape(4, 6)
    given = [base, base.T, base[::2, ::-3], base.astype(np.int8), base.astype(np.float16), base > 3,
             np.asfortranarray(base), np.broadcast_to(np.float32(2), (3, 3)), base.astype(">f4"),
             np.frombuffer(b"x" + base.astype("<f4").tobytes(), np.uint8)[1:].view("<f4").reshape(4, 6)]
    write_caffemodel(path, "", [("x", "X", given)])
    assert_same(read_weights(path), [("x", "X", given)])


def test_from_one_file_to_another_without_a_change(shared, tmp_path):
    for folder in ("lenet_bvlc_a", "mtcnn_det2", "cifar10_resnet20"):
        old = read_weights(shared / "models" / folder / "weights.caffemodel")
        copied = [(layer.name, layer.type, [blob.array.reshape(blob.shape) for blob in layer.blobs])
                  for layer in old.layers]
        write_caffemodel(tmp_path / "new.caffemodel", "copy", copied)
        assert_same(read_weights(tmp_path / "new.caffemodel"), copied)


def test_overwriting_the_file_that_is_being_read(tmp_path):
    path = tmp_path / "weights.caffemodel"
    write_caffemodel(path, "", [("x", "X", [np.arange(5000, dtype=np.float32)])])
    blob = read_weights(path).layers[0].blobs[0]
    write_caffemodel(path, "", [("x", "X", [blob.array[::-1]])])
    assert blob.array[0] == 0 and read_weights(path).layers[0].blobs[0].array[0] == 4999


def test_too_large(tmp_path):
    path = tmp_path / "weights.caffemodel"
    huge = np.broadcast_to(np.float32(0), (2**15, 2**14))  # exactly 2 GiB, of 4 bytes
    with pytest.raises(LimitError, match="more than the 2147483647"):
        write_caffemodel(path, "", [("x", "X", [huge])])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("array", [np.array(["a"]), np.array([1j]), np.array([None]), np.zeros((1,) * 33)])
@pytest.mark.parametrize("write", [lambda path, layers: write_caffemodel(path, "", layers), write_hdf5])
def test_no_blob(tmp_path, array, write):
    with pytest.raises(FormatError) as caught:
        write(tmp_path / "weights", [("conv1", "X", [array])])
    assert caught.value.layer == "conv1" and not list(tmp_path.iterdir())


@pytest.mark.parametrize("write", [lambda path, layers: write_caffemodel(path, "", layers), write_hdf5])
def test_whole_or_not_at_all(tmp_path, write, monkeypatch):
    path = tmp_path / "weights"
    write(path, [("x", "X", [np.float32([1])])])
    before = path.read_bytes()

    def fail(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="the disk is full"):
        write(path, [("x", "X", [np.float32([2, 3])])])
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]
