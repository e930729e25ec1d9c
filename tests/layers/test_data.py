"""Layers that read data: HDF5Data for real, the data bases as inputs, HDF5Output only where it is trusted."""

import numpy as np
import pytest

from scalpel_rt.errors import FormatError, GraphError, ShapeError

from .harness import make, run

h5py = pytest.importorskip("h5py")


@pytest.fixture
def files(tmp_path):
    """Two files of three and two rows, listed in list.txt; row k of ``x`` is [k, k], of ``label`` k."""
    names, at = [], 0
    for name, rows in (("a.h5", 3), ("b.h5", 2)):
        k = np.arange(at, at + rows)
        at += rows
        with h5py.File(tmp_path / name, "w") as file:
            file["x"] = np.stack([k, k], axis=1).astype("f8")
            file["label"] = k.astype("i4")
        names.append(str(tmp_path / name))
    source = tmp_path / "list.txt"
    source.write_text("\n".join(names) + "\n")
    return source


def hdf5_data(source, batch_size, tops=("x", "label"), more=""):
    named = " ".join(f'top: "{top}"' for top in tops)
    return make(f'type: "HDF5Data" {named} hdf5_data_param {{ source: "{source}" batch_size: {batch_size} {more} }}')


def test_rows_run_over_the_files_and_wrap(files):
    layer = hdf5_data(files, 4)
    assert not layer.is_input and layer.stateful
    assert layer.shapes([]) == [(4, 2), (4,)]
    state = layer.initial_state()
    for want in ([0, 1, 2, 3], [4, 0, 1, 2], [3, 4, 0, 1]):
        x, label = run(layer, state=state)
        np.testing.assert_array_equal(label, want)
        np.testing.assert_array_equal(x, np.stack([want, want], axis=1))


def test_a_batch_larger_than_all_files(files):
    label, = run(hdf5_data(files, 12, ["label"]))
    np.testing.assert_array_equal(label, [0, 1, 2, 3, 4] * 2 + [0, 1])


def test_shuffled_rows_are_each_seen_once_a_round(files):
    layer = hdf5_data(files, 5, ["label", "x"], "shuffle: true")
    state = layer.initial_state()
    rounds = [run(layer, state=state) for _ in range(4)]
    for label, x in rounds:
        assert sorted(label) == [0, 1, 2, 3, 4]
        np.testing.assert_array_equal(x[:, 0], label)
    assert len({tuple(label) for label, _ in rounds}) > 1
    again = layer.initial_state()
    np.testing.assert_array_equal(run(layer, state=again)[0], rounds[0][0])


def test_absent_files_make_inputs(tmp_path, files):
    for source in (tmp_path / "nowhere.txt", tmp_path / "partly.txt"):
        if source.name == "partly.txt":
            source.write_text(f"{tmp_path / 'a.h5'}\n{tmp_path / 'gone.h5'}\n")
        layer = hdf5_data(source, 4)
        assert layer.is_input and layer.shapes([]) == [None, None]
        assert ("gone.h5" if source.name == "partly.txt" else "nowhere.txt") in layer.note


@pytest.mark.parametrize("source", ["/dev/zero", "/dev/stdin"])
def test_devices_are_not_read(source):
    assert hdf5_data(source, 2).is_input


def test_hdf5_errors(tmp_path, files):
    (tmp_path / "empty.txt").write_text(" \n")
    with pytest.raises(FormatError, match="empty.txt.*no files"):
        hdf5_data(tmp_path / "empty.txt", 2)
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FormatError, match="bytes.txt.*no text"):
        hdf5_data(tmp_path / "bytes.txt", 2)
    with pytest.raises(FormatError, match="no dataset 'y', only label, x"):
        hdf5_data(files, 2, ["y"]).shapes([])
    with pytest.raises(GraphError, match="batch_size"):
        hdf5_data(files, 0)
    with pytest.raises(GraphError, match="transform_param"):
        make(f'type: "HDF5Data" top: "x" hdf5_data_param {{ source: "{files}" batch_size: 1 }} transform_param {{}}')
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"], file["label"] = np.zeros((3, 2)), np.zeros(2)
    with pytest.raises(ShapeError, match="'x' has 3, 'label' has 2"):
        hdf5_data(files, 2).shapes([])
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = np.zeros((3, 5))
    with pytest.raises(ShapeError, match=r"\(5,\).*\(2,\)"):
        run(hdf5_data(files, 4, ["x"]))
    (tmp_path / "a.h5").write_bytes(b"not HDF5")
    with pytest.raises(FormatError, match="a.h5"):
        hdf5_data(files, 2).shapes([])


def test_hdf5_output_writes_only_when_trusted(tmp_path):
    path = tmp_path / "out.h5"
    layer = make(f'type: "HDF5Output" bottom: "x" bottom: "l" hdf5_output_param {{ file_name: "{path}" }}')
    x, label = np.arange(6).reshape(2, 3), [1, 0]
    run(layer, x, label)
    assert not path.exists() and "allow_python" in layer.note
    layer.trusted = True
    run(layer, x, label)
    run(layer, x + 1, label)
    with h5py.File(path) as file:
        assert file["data"].shape == (2, 3, 1, 1) and file["label"].shape == (2, 1, 1, 1)
        np.testing.assert_array_equal(file["data"][:, :, 0, 0], x + 1)


@pytest.mark.parametrize("text, shapes", [
    ('"Data" top: "d" top: "l" data_param { batch_size: 4 source: "db" } transform_param { crop_size: 227 }',
     [(4, 0, 227, 227), (4,)]),
    ('"Data" top: "d" data_param { batch_size: 4 } transform_param { mean_value: 1 mean_value: 2 mean_value: 3 }',
     [(4, 3, 0, 0)]),
    ('"Data" top: "d" data_param { batch_size: 4 } transform_param { force_gray: true crop_size: 5 }', [(4, 1, 5, 5)]),
    ('"ImageData" top: "d" top: "l" image_data_param { batch_size: 2 new_height: 6 new_width: 7 }',
     [(2, 3, 6, 7), (2,)]),
    ('"ImageData" top: "d" top: "l" image_data_param { new_height: 6 new_width: 7 is_color: false } '
     'transform_param { crop_size: 5 }', [(1, 1, 5, 5), (1,)]),
    ('"WindowData" top: "d" top: "l" window_data_param { batch_size: 2 crop_size: 6 }', [(2, 3, 6, 6), (2,)]),
    ('"MemoryData" top: "d" top: "l" memory_data_param { batch_size: 2 channels: 3 height: 4 width: 5 }',
     [(2, 3, 4, 5), (2,)]),
    ('"AnnotatedData" top: "d" top: "l" data_param { batch_size: 8 } transform_param { force_color: true '
     'resize_param { height: 300 width: 200 } }', [(8, 3, 300, 200), (1, 1, 0, 8)]),
    ('"DenseImageData" top: "d" top: "l" dense_image_data_param { batch_size: 2 }', [(2, 3, 0, 0), (2, 1, 0, 0)]),
    ('"ImageLabelmapData" top: "d" top: "l" image_data_param { batch_size: 1 }', [(1, 3, 0, 0), (1, 1, 0, 0)]),
    ('"VideoData" top: "d" data_param { batch_size: 1 } video_data_param { video_file: "v" }', [(1, 3, 0, 0)]),
])
def test_data_bases_are_inputs_that_tell_what_is_known(text, shapes):
    layer = make("type: " + text)
    assert layer.is_input
    layer.check_counts(0, len(shapes))
    assert layer.shapes([]) == shapes
    if layer.type != "MemoryData":
        assert layer.type in layer.note and "'d'" in layer.note


def test_memory_data_needs_its_sizes():
    with pytest.raises(GraphError, match=r"\(2, 0, 0, 0\)"):
        make('type: "MemoryData" top: "d" top: "l" memory_data_param { batch_size: 2 }')
