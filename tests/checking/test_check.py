"""check: what is said about nets, weights, solvers and other files."""

import json

import numpy as np
import pytest

import scalpel_rt as srt
from scalpel_rt.cli import main
from scalpel_rt.cli.check import pairs

INPUT = 'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 4 dim: 3 dim: 8 dim: 8 } } }\n'
CONV = ('layer { name: "conv" type: "Convolution" bottom: "x" top: "conv" '
        "convolution_param { num_output: 2 kernel_size: 3 } }\n")


@pytest.fixture
def write(tmp_path):
    def written(text, name="net.prototxt"):
        path = tmp_path / name
        path.write_text(text)
        return str(path)
    return written


def test_a_net_of_today(write):
    report = srt.check(write(INPUT + CONV))
    assert report.runs is True and report.reason is None and report.seconds is None
    assert (report.kind, report.format, report.layers, report.phase) == ("net", "V2", 2, "TEST")
    assert report.inputs == {"x": (4, 3, 8, 8)} and report.outputs == {"conv": (4, 2, 6, 6)}
    assert not (report.fork_fields or report.fork_types or report.unknown or report.guessed or report.notes)


@pytest.mark.parametrize("text, age", [
    ('layers { layer { name: "d" type: "data" source: "s" batchsize: 2 cropsize: 8 } top: "x" top: "l" }\n'
     'layers { layer { name: "c" type: "conv" num_output: 2 kernelsize: 3 } bottom: "x" top: "c" }', "V0"),
    ('input: "x" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8\n'
     'layers { name: "c" type: CONVOLUTION bottom: "x" top: "c" convolution_param { num_output: 2 kernel_size: 3 } }',
     "V1")])
def test_old_nets(write, text, age):
    report = srt.check(write(text), run=True)
    assert report.format == age and report.runs and report.seconds > 0


def test_what_forks_added(write):
    text = INPUT + CONV + (
        'layer { name: "p" type: "Permute" bottom: "conv" top: "p" permute_param { order: 0 order: 2 } }\n'
        'layer { name: "q" type: "Pooling" bottom: "p" top: "q" pooling_param { kernel_size: 2 ceil_mode: false } }\n')
    report = srt.check(write(text))
    assert report.runs and report.fork_types == {"Permute": "SSD"}
    assert report.fork_fields == ["permute_param", "pooling_param.ceil_mode"]


def test_unknown_layers_are_all_named(write):
    text = INPUT + "".join(f'layer {{ name: "{name}" type: "{kind}" bottom: "x" top: "{name}" }}\n' for name, kind in [
        ("a", "Convolutoin"), ("b", "Magic"), ("c", "ReLU"), ("d", "Magic")])
    report = srt.check(write(text))
    assert report.runs is False and report.unknown == {"Convolutoin": ["a"], "Magic": ["b", "d"]}
    assert "Convolutoin, Magic" in report.reason and report.layers == 5


def test_the_first_thing_that_is_wrong_is_the_reason(write):
    path = write(INPUT + CONV.replace("num_output: 2", "num_output: 0"))
    report = srt.check(path)
    assert report.runs is False and report.reason.startswith(f"{path}: layer 'conv': ")
    assert srt.check(write("layer {")).kind == "unreadable"
    report = srt.check(write(INPUT + CONV.replace('bottom: "x"', 'bottom: "y"')))
    assert report.runs is False and "'y'" in report.reason and report.layers == 2


def test_phases(write):
    path = write(INPUT + CONV + 'layer { name: "r" type: "ReLU" bottom: "conv" top: "r" include { phase: TRAIN } }\n'
                 'layer { name: "s" type: "Power" bottom: "r" top: "s" }')
    report = srt.check(path)
    assert report.runs and report.phase == "TRAIN" and report.layers == 4
    report = srt.check(path, phase="TEST")
    assert report.runs is False and "'r'" in report.reason
    path = write(INPUT + 'layer { name: "r" type: "Magic" bottom: "x" top: "r" include { phase: TRAIN } }')
    assert srt.check(path).runs and not srt.check(path).unknown
    assert srt.check(path, phase="TRAIN").unknown == {"Magic": ["r"]}
    staged = write(INPUT + 'layer { name: "c" type: "ReLU" bottom: "x" top: "c" include { stage: "A" min_level: 2 } }')
    assert srt.check(staged).layers == 1 and srt.check(staged, level=2, stages=["A"]).layers == 2


TRAIN_VAL = """
layer { name: "data" type: "Data" top: "data" top: "label" data_param { source: "db" batch_size: 64 } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 2 kernel_size: 3 } }
layer { name: "fc" type: "InnerProduct" bottom: "conv" top: "fc" inner_product_param { num_output: 5 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }
"""


def test_shapes_that_a_net_does_not_tell_are_made_up(write, tmp_path):
    path = write(TRAIN_VAL)
    report = srt.check(path, run=True)
    assert report.runs and report.inputs == {"data": None, "label": (64,)} and report.outputs == {"loss": None}
    assert report.guessed == {"data": (64, 3, 224, 224)} and "feed 'data' and 'label'" in report.notes[0]
    net = srt.load(path)
    net.reshape(data=(1, 1, 28, 28))
    net.save(caffemodel=tmp_path / "w.caffemodel")      # digits of 28 x 28: the weights say so
    report = srt.check(path, tmp_path / "w.caffemodel", run=True)
    assert report.runs and report.guessed == {"data": (64, 1, 28, 28)}


def test_dense_labels(write):
    text = TRAIN_VAL.replace('type: "InnerProduct"', 'type: "Convolution"').replace(
        "inner_product_param { num_output: 5 }", "convolution_param { num_output: 5 kernel_size: 1 pad: 1 }").replace(
        'type: "Data"', 'type: "Python"').replace('data_param { source: "db" batch_size: 64 }',
                                                  'python_param { module: "m" layer: "l" }')
    report = srt.check(write(text), run=True)
    assert report.runs and report.guessed == {"data": (1, 3, 224, 224), "label": (1, 1, 224, 224)}


def test_weights(write, tmp_path):
    path = write(INPUT + CONV)
    weights = tmp_path / "w.caffemodel"
    srt.load(path).save(caffemodel=weights)
    report = srt.check(path, weights, run=True)
    assert report.runs and report.notes == ["weights: V2, 1 layers"]
    other = write(INPUT + CONV.replace('name: "conv"', 'name: "other"'), "other.prototxt")
    assert srt.check(other, weights).notes[1:] == ["the net has no layer 'conv', which the weights hold",
                                                   "the weights hold nothing for layer 'other'"]
    wrong = write(INPUT + CONV.replace("num_output: 2", "num_output: 3"), "wrong.prototxt")
    report = srt.check(wrong, weights)
    assert report.runs is False and "(2, 3, 3, 3)" in report.reason and "(3, 3, 3, 3)" in report.reason
    alone = srt.check(None, weights)
    assert (alone.kind, alone.runs, alone.format, alone.layers) == ("weights", None, "V2", 1)
    assert alone.notes == ["holds 1 Convolution"] and alone.file == str(weights)
    assert srt.check(None, path).kind == "unreadable"
    with pytest.raises(FileNotFoundError):
        srt.check("nowhere.prototxt")


def test_an_output_that_is_not_finite_is_noted(write, tmp_path):
    path = write(INPUT + CONV)
    net = srt.load(path)
    net.params["conv"][1].data[0] = np.nan
    net.save(caffemodel=tmp_path / "w.caffemodel")
    assert "output 'conv' is not finite" in srt.check(path, tmp_path / "w.caffemodel", run=True).notes


def test_a_solver_is_no_net(write):
    report = srt.check(write('net: "train_val.prototxt"\nbase_lr: 0.01\n', "solver.prototxt"))
    assert (report.kind, report.runs) == ("solver", None) and "train_val.prototxt" in report.notes[0]


def test_a_compact_file(write, tmp_path):
    path = str(tmp_path / "net.safetensors")
    srt.load(write(INPUT + CONV)).save(path)
    assert srt.check(path, run=True).runs


def test_code_that_fails(write, tmp_path, monkeypatch):
    (tmp_path / "fails_at_setup.py").write_text(
        "import caffe\nclass L(caffe.Layer):\n    def setup(self, bottom, top):\n        raise KeyError('oh')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    path = write(INPUT + 'layer { name: "p" type: "Python" bottom: "x" top: "y" '
                 'python_param { module: "fails_at_setup" layer: "L" } }')
    assert "allow_python" in srt.check(path).reason
    report = srt.check(path, allow_python=True)
    assert report.runs is False and "oh" in report.reason


def test_pairs():
    assert pairs(["a.prototxt", "b.prototxt", "b.caffemodel", "c.h5"]) == [
        ["a.prototxt", None], ["b.prototxt", "b.caffemodel"], [None, "c.h5"]]


def test_command(write, tmp_path, capsys):
    good, bad = write(INPUT + CONV), write(INPUT + CONV.replace("Conv", "Con"), "bad.prototxt")
    train_val = write(TRAIN_VAL, "train_val.prototxt")
    srt.load(good).save(caffemodel=tmp_path / "w.caffemodel")
    weights = str(tmp_path / "w.caffemodel")

    assert main(["check", good, weights, "--run"]) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"{good}: runs (") and "x 4x3x8x8" in told and "weights: V2, 1 layers" in told

    assert main(["check", good, bad, train_val, weights]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 7 and lines[-1] == "3 files: 2 run, 1 do not"
    assert "unknown layer type Convolution" not in lines[2] and "unknown layer type Conolution" in lines[3]

    assert main(["check", good, train_val, "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert first["runs"] is True and first["format"] == "V2" and second["guessed"] == {"data": [64, 3, 224, 224]}

    assert main(["check", bad]) == 1
    assert "unknown:  Conolution (conv)" in capsys.readouterr().out
    assert main(["check", str(tmp_path / "nowhere")]) == 1
    assert "nowhere" in capsys.readouterr().err
    assert main(["check", weights]) == 0
    assert "a file of weights" in capsys.readouterr().out
