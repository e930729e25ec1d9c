"""Nothing in a model or data file runs code, and what files a model may name is bounded."""

import builtins
import io
import os
import pickle
import subprocess
import zipfile

import h5py
import numpy as np
import pytest

import scalpel_rt as srt
from scalpel_rt.arrays import load_arrays
from scalpel_rt.caffe import read_weights
from scalpel_rt.datasets import open_data, read_folder
from scalpel_rt.imaging import load_image

from .nets import given, graph, layer


class Evil:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_python_layers_are_not_even_imported(tmp_path, monkeypatch):
    (tmp_path / "evil_module.py").write_text(f"import os; os.mkdir({str(tmp_path / 'done')!r})")
    monkeypatch.syspath_prepend(tmp_path)
    for bottom in ('bottom: "x"', ""):
        text = given(1, 2) + layer("Python", 'python_param { module: "evil_module" layer: "Evil" }', bottom=bottom)
        try:
            net = srt.Net(graph(text))
            net.summary(), repr(net.graph.notes)
            net.forward()
        except srt.ScalpelError as error:
            assert "allow_python=True" in str(error) or "not known" in str(error)
    assert not (tmp_path / "done").exists()
    with pytest.raises(srt.ScalpelError):
        srt.Net(graph(text, trusted=True))
    assert (tmp_path / "done").exists()     # so the trap works


def test_pickles_in_arrays(tmp_path):
    trap = np.array([Evil(tmp_path / "done")], object)
    np.save(tmp_path / "x.npy", trap, allow_pickle=True)
    np.savez(tmp_path / "x.npz", images=trap, labels=trap)
    (tmp_path / "raw.npy").write_bytes(pickle.dumps(Evil(tmp_path / "done")))
    with zipfile.ZipFile(tmp_path / "raw.npz", "w") as archive:
        archive.writestr("images.npy", pickle.dumps(Evil(tmp_path / "done")))
    for name in ("x.npy", "x.npz", "raw.npy", "raw.npz"):
        for read in (load_arrays, open_data):
            with pytest.raises(srt.FormatError, match=name):
                read(tmp_path / name)
    assert not (tmp_path / "done").exists()


def test_pickles_in_checkpoints(tmp_path):
    torch = pytest.importorskip("torch")
    from scalpel_rt.train.loop import _resume

    path = tmp_path / "checkpoint"
    for trap in ({"module": Evil(tmp_path / "done")}, Evil(tmp_path / "done")):
        torch.save(trap, path)
        with pytest.raises(srt.FormatError, match="checkpoint"):
            _resume(None, None, None, (), path)
    torch.save(dict.fromkeys(("recipe", "module", "optimiser", "hooks", "log"), 1), path)
    with pytest.raises(srt.FormatError, match="checkpoint"):
        _resume(None, None, None, (), path)
    path.write_bytes(pickle.dumps(Evil(tmp_path / "done")))
    with pytest.raises(srt.FormatError, match="checkpoint"):
        _resume(None, None, None, (), path)
    assert not (tmp_path / "done").exists()


def test_pictures_are_pixels_alone(tmp_path, monkeypatch):
    """PostScript would be handed to another program."""
    monkeypatch.setattr(subprocess, "Popen", None)
    (tmp_path / "a").mkdir()
    for path in (tmp_path / "a" / "x.png", tmp_path / "x.eps"):
        path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n(x) run\n%%EOF\n")
        with pytest.raises(srt.FormatError, match=f"{path.name}.*formats"):
            load_image(path)
    with pytest.raises(srt.FormatError, match="formats"):
        read_folder(tmp_path)


@pytest.mark.parametrize("make", [
    lambda group, other: group.__setitem__("0", h5py.ExternalLink(other, "/secret")),
    lambda group, other: group.create_dataset("0", (4,), "f4", external=[(other, 0, 16)]),
    lambda group, other: group.create_virtual_dataset("0", virtual(other)),
    lambda group, other: group.__setitem__("0", h5py.SoftLink("/data/a/0")),
], ids=["link", "external", "virtual", "itself"])
def test_hdf5_that_takes_values_from_other_files(tmp_path, make):
    other, path = tmp_path / "other.h5", tmp_path / "weights.h5"
    with h5py.File(other, "w") as file:
        file["secret"] = np.arange(4, dtype=np.float32)
    with h5py.File(path, "w") as file:
        make(file.create_group("data/a"), str(other))
        make(file, str(other))
    with pytest.raises(srt.FormatError, match="weights.h5.*'a'.*(link to|other files)"):
        read_weights(path)
    (tmp_path / "list").write_text(str(path))
    rows = f'hdf5_data_param {{ source: "{tmp_path}/list" batch_size: 1 }}'
    text = layer("HDF5Data", rows, bottom="", top='top: "0"')
    with pytest.raises(srt.FormatError, match="(link to|other files)"):
        srt.Net(graph(text)).forward()


def virtual(other):
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource(other, "secret", (4,))
    return layout


def test_whole_files_linked_from_others(tmp_path):
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file["data"] = h5py.ExternalLink("other.h5", "/data")
    with pytest.raises(srt.FormatError, match="weights.h5.*'data' is a link to 'other.h5'"):
        read_weights(tmp_path / "weights.h5")


READERS = {
    "ImageData": 'image_data_param { source: "SECRET" batch_size: 1 root_folder: "/" }',
    "WindowData": 'window_data_param { source: "SECRET" batch_size: 1 crop_size: 4 }',
    "Data": 'data_param { source: "SECRET" batch_size: 1 }',
    "DenseImageData": 'dense_image_data_param { source: "SECRET" batch_size: 1 }',
}


@pytest.mark.parametrize("kind", READERS)
def test_layers_that_name_files_do_not_open_them(tmp_path, monkeypatch, kind):
    """In Caffe these read data bases and images; here their tops are inputs."""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    opened, real = [], builtins.open

    def watch(file, *args, **kwargs):
        opened.append(str(file))
        return real(file, *args, **kwargs)

    for place in (builtins, io):
        monkeypatch.setattr(place, "open", watch)
    text = layer(kind, READERS[kind].replace("SECRET", str(secret)) + f' transform_param {{ mean_file: "{secret}" }}',
                 bottom="", top='top: "a" top: "b"')
    net = graph(text)
    assert net.inputs and str(secret) not in opened


def test_layers_that_read_files_show_nothing_of_others(tmp_path):
    """HDF5Data and InfogainLoss read what they name: numbers, from HDF5 and binaryproto."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"\xffroot:x:0:0:hunter2\n")
    data = layer("HDF5Data", f'hdf5_data_param {{ source: "{secret}" batch_size: 1 }}', bottom="")
    loss = given(1, 3) + 'input: "t" input_shape { dim: 1 }' + layer(
        "InfogainLoss", f'infogain_loss_param {{ source: "{secret}" }}', bottom='bottom: "x" bottom: "t"')
    for text in (data, loss):
        with pytest.raises(srt.FormatError) as error:
            srt.Net(graph(text)).forward()
        assert "hunter2" not in str(error.value)
    for source in ("/dev/zero", "/dev/stdin", str(tmp_path)):     # what never ends, or is no file
        net = graph(data.replace(str(secret), source))
        assert [blob.name for blob in net.inputs] == ["y"]


def test_a_batch_far_beyond_what_the_files_hold(tmp_path):
    with h5py.File(tmp_path / "rows.h5", "w") as file:
        file["y"] = np.zeros((1, 1), np.float32)
    (tmp_path / "list").write_text(str(tmp_path / "rows.h5"))
    text = layer("HDF5Data", f'hdf5_data_param {{ source: "{tmp_path}/list" batch_size: 100000000 }}', bottom="")
    net = srt.Net(graph(text, limits=srt.Limits(max_bytes=2**33)))
    import scalpel_rt.layers.hdf5_data as module
    with pytest.MonkeyPatch.context() as patch, pytest.raises(srt.DataError, match="a batch of 100000000"):
        patch.setattr(module, "MAX_TURNS", 20)
        net.forward()


def test_rows_that_are_announced_and_not_there(tmp_path):
    with h5py.File(tmp_path / "rows.h5", "w") as file:
        file.create_dataset("y", (2**50, 1), "f4", chunks=(1024, 1))
    (tmp_path / "list").write_text(str(tmp_path / "rows.h5"))
    with pytest.raises(srt.FormatError, match="only 0 bytes"):
        srt.Net(graph(layer("HDF5Data", f'hdf5_data_param {{ source: "{tmp_path}/list" batch_size: 2 }}', bottom="")))


def test_a_damaged_file_of_rows(tmp_path):
    with h5py.File(tmp_path / "rows.h5", "w") as file:
        file["y"] = np.zeros((100, 3), np.float32)
    data = bytearray((tmp_path / "rows.h5").read_bytes())
    (tmp_path / "list").write_text(str(tmp_path / "rows.h5"))
    text = layer("HDF5Data", f'hdf5_data_param {{ source: "{tmp_path}/list" batch_size: 2 }}', bottom="")
    for signature in (b"SNOD", b"TREE", b"HEAP"):
        damaged = data.replace(signature, b"XXXX")
        assert damaged != data
        (tmp_path / "rows.h5").write_bytes(damaged)
        with pytest.raises(srt.FormatError, match="rows.h5"):
            srt.Net(graph(text)).forward()
