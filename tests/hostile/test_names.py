"""Names of nets, layers and blobs with all that a byte can be: nothing is written elsewhere, shown raw, or confused."""

import os
import subprocess
import sys

import h5py
import numpy as np
import pytest

import scalpel_rt as srt
from scalpel_rt import cli
from scalpel_rt.arrays import load_arrays, save_arrays
from scalpel_rt.caffe import read_weights
from scalpel_rt.caffe.writer import _field
from scalpel_rt.graph import build, dump

NAMES = ["a/b", "../../etc/passwd", "/etc/passwd", "a\nb", "\x1b]0;title\x07\x1b[31m", "a\x00b", '"', "\\", "..", " ",
         "\xff\xfe", "file", "inputs", "self", "%s{}", "é" * 300, "__metadata__", "<b>&"]


def escaped(name):
    return "".join(f"\\{byte:03o}" for byte in name.encode())


@pytest.fixture(params=NAMES, ids=ascii)
def named(request, tmp_path):
    """(name, path of a net in which everything is called so)."""
    name = escaped(request.param)
    path = tmp_path / "net.prototxt"
    path.write_text(
        f'name: "{name}"\nlayer {{ name: "in" type: "Input" top: "{name}" '
        'input_param { shape { dim: 1 dim: 4 } } }\n'
        f'layer {{ name: "{name}" type: "InnerProduct" bottom: "{name}" top: "{name}." '
        'inner_product_param { num_output: 2 weight_filler { type: "constant" value: 1 } } }')
    return request.param, path


def tree(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_saved_and_read_again(named, tmp_path, monkeypatch):
    name, path = named
    monkeypatch.chdir(tmp_path)
    net = srt.load(path)
    want = net.forward({name: np.ones((1, 4))})
    assert want[f"{name}."].tolist() == [[4, 4]]
    net.save("again.prototxt", "again.caffemodel")
    net.save("again.safetensors")
    for files in (("again.prototxt", "again.caffemodel"), ("again.safetensors",)):
        again = srt.load(*files)
        assert again.forward({name: np.ones((1, 4))})[f"{name}."].tolist() == [[4, 4]]
        assert (again.name, again.layers[1].name) == (name, name)
    try:
        net.save(caffemodel="again.h5")
    except srt.FormatError as error:
        assert "again.h5" in str(error) and ("/" in name or "\0" in name)
    else:
        assert [layer.name for layer in srt.caffe.read_weights("again.h5").layers if layer.blobs] == [name]
    assert tree(tmp_path) <= {"net.prototxt", "again.prototxt", "again.caffemodel", "again.safetensors", "again.h5"}


def test_outputs_saved_as_arrays(named, tmp_path, monkeypatch, capsys):
    name, path = named
    monkeypatch.chdir(tmp_path)
    status = cli.main(["run", str(path), "--random", "--output", "out.npz"])
    shown = capsys.readouterr()
    assert shown.out.replace("\n", "").isprintable() and shown.err.replace("\n", "").isprintable()
    if "\0" in name:
        assert status == 1 and tree(tmp_path) == {"net.prototxt"}
        return
    assert status == 0 and tree(tmp_path) == {"net.prototxt", "out.npz"}
    [(read, array)] = load_arrays("out.npz").items()
    assert array.shape == (1, 2) and read == f"{name}.".replace(os.sep, "/")
    with np.load("out.npz", allow_pickle=False) as held:
        assert held.files == [read]


@pytest.mark.parametrize("verb", [["info"], ["info", "--plan"], ["info", "--json"], ["check", "--run"]])
def test_a_terminal_is_shown_no_escapes(named, capsys, verb):
    _, path = named
    assert cli.main([verb[0], str(path), *verb[1:]]) == 0
    assert capsys.readouterr().out.replace("\n", "").isprintable()


def test_errors_show_no_escapes_and_name_file_and_layer(tmp_path, capsys):
    path = tmp_path / "net.prototxt"
    path.write_text('layer { name: "\\033[31mred\\n" type: "\\033]0;" top: "x" }')
    assert cli.main(["info", str(path)]) == 1
    shown = capsys.readouterr().err
    assert shown.count("\n") == 1 and shown.strip().isprintable() and "net.prototxt" in shown and "red" in shown


def test_the_graph_for_graphviz_is_one_graph(named):
    _, path = named
    text = dump(srt.load(path).graph, "dot")
    inside = text.replace("\\\\", "").replace('\\"', "")
    assert inside.count('"') % 2 == 0
    assert all(line.count('"') % 2 == 0 for line in inside.splitlines())


@pytest.mark.parametrize("name", ["../out.h5", "/tmp/\\000", "a\\nb.h5"])
def test_hdf5_output_writes_nothing_unless_trusted(tmp_path, monkeypatch, name):
    folder = tmp_path / "in"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "n").write_text('input: "x" input_shape { dim: 1 dim: 2 } input: "z" input_shape { dim: 1 dim: 2 }\n'
                              'layer { name: "o" type: "HDF5Output" bottom: "x" bottom: "z" '
                              f'hdf5_output_param {{ file_name: "{name}" }} }}')
    net = srt.load("n")
    net.forward()
    assert tree(tmp_path) == {"in", "in/n"} and "not written" in net.graph.notes["o"]
    if "\\000" in name:
        with pytest.raises(srt.FormatError, match="file named"):
            srt.load("n", allow_python=True).forward()
    else:
        srt.load("n", allow_python=True).forward()
        with h5py.File(folder / name.replace("\\n", "\n")) as file:
            assert file["data"].shape == (1, 2, 1, 1)


def test_names_that_are_no_text_reach_a_terminal_without_utf8(tmp_path):
    path = tmp_path / "n"
    path.write_bytes(b'input: "\xff\xe9" input_shape { dim: 1 }')
    done = subprocess.run([sys.executable, "-m", "scalpel_rt.cli", "info", str(path)], capture_output=True,
                          env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": os.pathsep.join(sys.path)})
    assert b"Traceback" not in done.stderr and done.returncode == 0


def test_arrays_named_like_arguments(tmp_path):
    path = tmp_path / "x.npz"
    save_arrays(path, {name: np.arange(3) for name in ("file", "args", "allow_pickle", "a/b", "")})
    assert list(load_arrays(path)) == ["file", "args", "allow_pickle", "a/b", ""]
    with pytest.raises(srt.FormatError, match="x.npz"):
        save_arrays(path, {"a\0b": np.arange(3)})
    assert len(load_arrays(path)) == 5


def test_names_in_a_caffemodel_that_are_not_utf8(tmp_path):
    path = tmp_path / "n.caffemodel"
    shape = _field(143, _field(1, _field(1, b"\1\4")))
    layers = [_field(1, b"\xff\xfe") + _field(2, b"Input") + _field(4, b"\xe9") + shape,
              _field(1, b"f\xe9") + _field(2, b"InnerProduct") + _field(3, b"\xe9") + _field(4, b"y")
              + _field(117, b"\x08\x02")]
    path.write_bytes(_field(1, b"n\xe9t") + b"".join(_field(100, one) for one in layers))
    net = build(read_weights(path).read_net())
    assert (net.name, [node.name for node in net.nodes]) == ("nét", ["ÿþ", "fé"])
    assert srt.Net(net).forward({"é": np.ones((1, 4))})["y"].shape == (1, 2)
    assert repr(read_weights(path).layers[1].name) == "'fé'"
