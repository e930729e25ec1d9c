import builtins

import numpy as np
import pytest

from scalpel_rt.caffe import read_weights, write_hdf5
from scalpel_rt.errors import FormatError

h5py = pytest.importorskip("h5py")


@pytest.fixture
def make(tmp_path):
    """Makes an HDF5 file: make(fill) calls fill(file) and gives the path."""
    def made(fill):
        path = tmp_path / "weights.caffemodel.h5"
        with h5py.File(path, "w") as file:
            fill(file)
        return path
    return made


def test_golden(shared):
    folder = shared / "golden" / "cases"
    for name in ("weights_h5.caffemodel.h5", "weights_h5_content.caffemodel"):  # the name does not decide
        weights = read_weights(folder / name)
        assert (weights.kind, weights.format) == ("hdf5", "HDF5")
        by_name = {layer.name: layer.blobs for layer in weights.layers}
        assert by_name["data"] == []
        assert [blob.shape for blob in by_name["c1"]] == [(4, 3, 3, 3), (4,)]
        with h5py.File(folder / name) as file:
            for layer, blobs in by_name.items():
                for i, blob in enumerate(blobs):
                    assert np.array_equal(blob.array.reshape(blob.shape), file[f"data/{layer}/{i}"][()])
    assert len(read_weights(folder / "weights_h5.caffemodel.h5").read_net().layer) == 0


def test_golden_types(shared):
    path = shared / "golden" / "cases" / "weights_h5_types.caffemodel.h5"
    with h5py.File(path) as file:
        for layer in read_weights(path).layers:
            for i, blob in enumerate(layer.blobs):
                assert blob.array.dtype == np.float32
                assert np.array_equal(blob.array, file[f"data/{layer.name}/{i}"][()].astype(np.float32).ravel())


def test_round_trip(tmp_path):
    path = tmp_path / "weights.h5"
    arrays = [np.arange(6).reshape(2, 3) / 3, np.float32(7), np.zeros((0, 3)), np.arange(4, dtype=np.int64)]
    write_hdf5(path, [("b", "B", arrays), ("a", "A", [])])
    first, second = read_weights(path).layers
    assert (first.name, first.blobs, second.name) == ("a", [], "b")
    for blob, array in zip(second.blobs, arrays, strict=True):
        assert blob.shape == array.shape
        assert np.array_equal(blob.array.reshape(blob.shape), array.astype(np.float32))


def test_behind_a_block_of_somebody_elses(tmp_path):
    path = tmp_path / "weights.h5"
    with h5py.File(path, "w", userblock_size=1024) as file:
        file["data/x/0"] = [1.0, 2.0]
    assert read_weights(path).layers[0].blobs[0].array.tolist() == [1, 2]


def test_shared_parameters_may_be_left_out(make):
    def fill(file):
        file["data/x/1"] = [1.0]
        file["data/x/note"] = [2.0]  # not a blob

    path = make(fill)
    first, second = read_weights(path).layers[0].blobs
    assert first is None and second.array.tolist() == [1]


def test_slashes_are_not_layers(make):
    path = make(lambda file: file.create_dataset("data/a/b/0", data=[1.0]))
    layer, = read_weights(path).layers
    assert (layer.name, layer.blobs) == ("a", [])


@pytest.mark.parametrize("fill", [
    lambda file: None,
    lambda file: file.create_dataset("data", data=[1.0]),
    lambda file: file.create_group("data/x/0"),
    lambda file: file.create_dataset("data/x/0", data=["text"]),
    lambda file: file.create_dataset("data/x/0", data=h5py.Empty("f")),
    lambda file: file.create_dataset("data/x/0", shape=(10**6, 10**6), dtype="f4", chunks=(100, 100)),
    lambda file: file.create_dataset("data/x/9999999", data=[1.0]),
    lambda file: file.create_dataset("data/x/0", data=[1j]),
])
def test_what_is_no_weights(make, fill):
    path = make(fill)
    with pytest.raises(FormatError) as caught:
        read_weights(path)
    assert str(path) in str(caught.value)


def test_cut_files(shared, tmp_path):
    data = (shared / "golden" / "cases" / "weights_h5.caffemodel.h5").read_bytes()
    path = tmp_path / "cut.h5"
    for size in (8, 100, 1000, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:size])
        with pytest.raises(FormatError, match="damaged HDF5"):
            read_weights(path)


@pytest.mark.parametrize("layers", [
    [("a/b", "X", [])], [("", "X", [])], [(".", "X", [])], [("a", "X", []), ("a", "X", [])],
])
def test_names_that_hdf5_cannot_have(tmp_path, layers):
    with pytest.raises(FormatError) as caught:
        write_hdf5(tmp_path / "weights.h5", layers)
    assert caught.value.layer == layers[0][0] and not list(tmp_path.iterdir())


def test_without_h5py(make, monkeypatch):
    path = make(lambda file: file.create_group("data"))
    real = builtins.__import__

    def without(name, *rest, **more):
        if name == "h5py":
            raise ImportError("No module named 'h5py'")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r'pip install "scalpel-rt\[hdf5\]"'):
        read_weights(path)
