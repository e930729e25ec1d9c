"""The verbs train, prune and scalpel, as a user calls them."""

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (the extra `train`): these verbs are not tested")

import scalpel_rt as srt  # noqa: E402
from scalpel_rt.cli import main  # noqa: E402

from ..graph.nets import input_layer  # noqa: E402
from ..pruning.nets import conv, fc, some  # noqa: E402
from ..train.conftest import one_thread  # noqa: E402, F401

NET = (input_layer("x", 1, 2, 4, 4) + conv("c", "x", 8, 'weight_filler { type: "xavier" }') + some("ReLU", "c", "r")
       + fc("f", "r", 32, 'weight_filler { type: "xavier" }') + fc("z", "f", 3, 'weight_filler { type: "xavier" }'))
RECIPE = ["--epochs", "1", "--batch", "20", "--lr", "0.01"]


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCALPEL_CACHE", str(tmp_path / "cache"))
    (tmp_path / "net.prototxt").write_text(NET)
    srt.load("net.prototxt").save(caffemodel="net.caffemodel")
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 100)
    np.savez("data.npz", images=(rng.standard_normal((100, 2, 4, 4)) + labels[:, None, None, None]), labels=labels)
    return ["net.prototxt", "net.caffemodel"]


def run(capsys, *args):
    """(exit status, stdout, stderr)."""
    status = main(list(map(str, args)))
    out = capsys.readouterr()
    return status, out.out, out.err


def test_train(files, capsys):
    status, out, _ = run(capsys, "train", *files, "--data", "data.npz", "--test-data", "data.npz", "-o",
                         "w.caffemodel", "--json", "--mean", "auto", *RECIPE)
    result = json.loads(out)
    assert status == 0 and len(result["log"]) == 1 and len(result["mean"]) == 2 and 0 <= result["accuracy"] <= 100
    old, new = (srt.load("net.prototxt", w).params["c"][0].data for w in ("net.caffemodel", "w.caffemodel"))
    assert not np.array_equal(old, new)


def test_what_was_pruned_stays_so_in_training(files, capsys):
    assert run(capsys, "prune", *files, "simd", "--sparsity", "0.8", "--width", "8", "-o", "small.safetensors")[0] == 0
    status, _, err = run(capsys, "train", "small.safetensors", "--data", "data.npz", "-o", "w.caffemodel", *RECIPE)
    assert status == 0 and "weights are zero, and stay so" in err
    small, trained = srt.load("small.safetensors"), srt.load("net.prototxt", "w.caffemodel")
    for name in "cfz":
        before, after = small.params[name][0].data, trained.params[name][0].data
        assert ((before == 0) == (after == 0)).all() and not np.array_equal(before, after)


TRAIN = ["train", "net.prototxt", "--data", "data.npz", "-o", "w.caffemodel"]


def test_train_as_a_solver_says(files, capsys):
    """The solver of Caffe's LeNet, but for its length; 100 samples in batches of 20 are 5 iterations an epoch."""
    Path("solver.prototxt").write_text(
        "net: 'train_val.prototxt' test_iter: 100 test_interval: 500 base_lr: 0.01 momentum: 0.9 weight_decay: 0.0005 "
        "lr_policy: 'inv' gamma: 0.0001 power: 0.75 display: 100 max_iter: 10 snapshot: 5000 solver_mode: CPU")
    status, out, err = run(capsys, *TRAIN, "--solver", "solver.prototxt", "--batch", "20", "--json")
    assert status == 0, err
    result = json.loads(out)
    assert result["recipe"]["epochs"] == 2 and result["recipe"]["schedule"] == "inv"
    assert result["log"][-1]["rate"] == pytest.approx(0.01 * (1 + 0.0001 * 9) ** -0.75, rel=1e-6)


@pytest.mark.parametrize("solver, args, words", [
    ("base_lr: 0.1 max_iter: 100 lr_policy: 'step'", [], "solver.prototxt: lr_policy step needs a stepsize"),
    ("base_lr: 0.1", [], "solver.prototxt: max_iter must be above 0"),
    ("", ["--schedule", "step", "--steps", "0"], "steps must be numbers above 0"),
    ("", ["--lr", "nan"], "lr must be a number of at least 0, not nan"),
])
def test_recipes_that_train_nothing(files, capsys, solver, args, words):
    Path("solver.prototxt").write_text(solver)
    status, _, err = run(capsys, *TRAIN, *args, *(["--solver", "solver.prototxt"] if solver else []))
    assert status == 1 and words in err and not Path("w.caffemodel").exists()


@pytest.mark.parametrize("options, check", [
    (["magnitude", "--sparsity", "0.8"], lambda net: np.mean(net.params["f"][0].data == 0) >= 0.8),
    (["simd", "--sparsity", "f=0.8", "--sparsity", "c=0.5", "--width", "4", "--axis", "out"],
     lambda net: np.mean(net.params["f"][0].data == 0) >= 0.8 and net.params["z"][0].data.all()),
    (["nodes", "--keep", "c=3", "--keep", "f=0,1,7"], lambda net: net.params["f"][0].shape == (3, 48)),
    (["nodes", "--sparsity", "0.5", "--layers", "f", "--criterion", "l2"],
     lambda net: net.params["f"][0].shape == (16, 128)),
])
def test_prune_once(files, capsys, options, check):
    status, out, _ = run(capsys, "prune", *files, *options, "-o", "small", "-o", "small.safetensors")
    assert status == 0 and "removed" in out
    for names in (["small.prototxt", "small.caffemodel"], ["small.safetensors"]):
        assert check(srt.load(*names))


def test_a_compact_file_needs_no_other(files, capsys):
    assert run(capsys, "prune", *files, "simd", "--sparsity", "0.5", "-o", "small.safetensors")[0] == 0
    assert run(capsys, "prune", "small.safetensors", "nodes", "--keep", "f=9", "-o", "again")[0] == 0
    assert srt.load("again.prototxt", "again.caffemodel").params["f"][0].shape == (9, 128)
    status, _, err = run(capsys, "prune", "net.prototxt", "simd", "--sparsity", "0.5", "-o", "small")
    assert status == 1 and "net.prototxt" in err and "no weights of its own" in err


def test_prune_in_stages(files, capsys):
    args = ["prune", *files, "simd", "--sparsity", "0.8", "--scope", "global", "--width", "8", "-o", "small", "--data",
            "data.npz", "--test-data", "data.npz", "--stages", "2", "--last-epochs", "2", "--folder", "run", "--json",
            *RECIPE]
    status, out, err = run(capsys, *args)
    result = json.loads(out)
    assert "stage 1 of 2, retrain epoch 2" not in err and "stage 2 of 2, retrain epoch 2" in err
    assert status == 0 and [row["options"]["sparsity"] for row in result["log"]] == [0.7, 0.8]
    assert result["after"]["bytes"] < result["before"]["bytes"] and "stage 2 of 2" in err
    assert json.loads(run(capsys, *args)[1]) == result


@pytest.mark.parametrize("penalty, want", [
    (["0.01,0.05"], [{"c": 0.01, "f": 0.01}, {"c": 0.05, "f": 0.05}]),
    (["f=0.01,0.05", "c=0"], [{"f": 0.01, "c": 0}, {"f": 0.05, "c": 0}])])
def test_prune_nodes_that_are_learnt(files, capsys, penalty, want):
    args = [arg for text in penalty for arg in ("--penalty", text)]
    status, out, err = run(capsys, "prune", *files, "nodes", *args, "--learn-epochs", "3", "--learn-lr", "0.01", "-o",
                           "small", "--data", "data.npz", "--test-data", "data.npz", "--json", *RECIPE)
    result = json.loads(out)
    assert status == 0 and "learn" in err and len(result["log"]) == 2
    said = [row["options"]["penalty"] for row in result["log"]]
    assert said == (want if "=" in penalty[0] else [0.01, 0.05])
    assert result["after"]["weights"] < result["before"]["weights"]
    assert srt.load("small.prototxt", "small.caffemodel").params["f"][0].shape[0] < 32


def test_scalpel(files, capsys):
    status, out, err = run(capsys, "scalpel", *files, "--machine", "moderate", "--data", "data.npz", "--test-data",
                           "data.npz", "-o", "out", "--budget", "100", "--penalties", "0.001", "--sparsities",
                           "0.5,0.8", "--learn-epochs", "1", "--json", *RECIPE)
    result = json.loads(out)
    assert status == 0 and len(result["log"]) == 3 and result["log"][-1]["options"]["sparsity"] == 0.8
    for name in ("net.prototxt", "net.caffemodel", "net.safetensors", "log.json", "report.md"):
        assert Path("out", name).exists()


@pytest.mark.parametrize("none, method", [("--penalties", "simd"), ("--sparsities", "nodes")])
def test_scalpel_without_stages_of_a_kind(files, capsys, none, method):
    other = {"--penalties": ["--sparsities", "0.5"], "--sparsities": ["--penalties", "0.001"]}[none]
    status, out, err = run(capsys, "scalpel", *files, "--machine", "moderate", "--data", "data.npz", "--test-data",
                           "data.npz", "-o", "out", "--budget", "100", none, "none", *other, "--learn-epochs", "1",
                           "--json", *RECIPE)
    assert status == 0 and [row["method"] for row in json.loads(out)["log"]] == [method]


def test_what_scalpel_cannot_write_is_told_first(files, capsys):
    status, out, err = run(capsys, "scalpel", *files, "--data", "data.npz", "--test-data", "data.npz", "-o",
                           "net.prototxt/out", *RECIPE)
    assert status == 1 and out == "" and len(err.strip().splitlines()) == 1 and "net.prototxt" in err


def test_scalpel_decides(files, capsys):
    status, out, err = run(capsys, "scalpel", *files, "--decide", "--json")
    result = json.loads(out)
    assert status == 0 and [d["layer"] for d in result["decisions"]] == ["c", "f", "z"]
    assert set(result["crossover"]["f"]) == {"csr", "in", "out"} and "measuring f" in err


@pytest.mark.parametrize("args, words", [
    (["magnitude", "--sparsity", "1.5"], "sparsity must be"),
    (["magnitude", "--sparsity", "0.5", "--width", "8"], "--width is not for magnitude"),
    (["magnitude", "--sparsity", "0.5", "--sparsity", "f=0.5"], "given for all layers and again"),
    (["simd", "--sparsity", "0.5", "--width", "3"], "2, 4, 8, 16"),
    (["nodes", "--keep", "q=3"], "no layer 'q'"),
    (["nodes", "--keep", "c=2", "--stages", "3"], "needs --data"),
    (["nodes", "--keep", "c=2", "--data", "data.npz", "--stages", "3"], "to rise to"),
    (["nodes", "--penalty", "0.1"], "needs --data"),
    (["nodes", "--penalty", "0.1", "--keep", "c=2", "--data", "data.npz"], "--keep is not for nodes learnt by"),
    (["nodes", "--penalty", "0.1", "--data", "data.npz", "--stages", "3"], "--stages is for what rises"),
    (["simd", "--penalty", "0.1", "--data", "data.npz"], "--penalty is not for simd"),
    (["nodes", "--keep", "c=2", "--data", "none.npz"], "no such data: none.npz"),
    (["nodes", "--keep", "c=2", "--data", "data.npz", "--budget", "1"], "needs test data"),
    (["simd", "--sparsity", "0.5", "--data", "wide.npz", "--test-data", "wide.npz"], "samples of shape (2, 4, 5)"),
    (["simd", "--sparsity", "0.5", "--data", "data.npz", "--test-data", "wide.npz"], "samples of shape (2, 4, 5)"),
    (["simd", "--sparsity", "0.5", "--data", "data.npz", "--test-data", "data.npz", "--budget", "nan"], "budget"),
    (["nodes", "--penalty", "0.1,-1", "--data", "data.npz"], "a penalty must be"),
])
def test_wrong_use_is_one_line(files, capsys, args, words):
    np.savez("wide.npz", images=np.zeros((9, 2, 4, 5), np.float32), labels=np.arange(9) % 3)
    status, out, err = run(capsys, "prune", *files, *args, "-o", "small")
    assert status == 1 and out == "" and len(err.strip().splitlines()) == 1 and words in err
    with pytest.raises(FileNotFoundError):
        open("small.prototxt")


@pytest.mark.parametrize("args, words", [
    (["--seed", "-1"], "seed must be"),
    (["--seed", str(2**70)], "seed must be"),
    (["--threads", "100000"], "--threads must be from 1 to"),
    (["--device", "meta"], "device meta"),
    (["--mean", "1,2,3"], "a mean of shape (3, 1, 1) does not fit samples of (2, 4, 4)"),
    (["--data", "scalar.npz"], "samples of shape ()"),
    (["--checkpoint", "other"], "other: is a checkpoint of another net: "),
])
def test_wrong_training_is_one_line(files, capsys, args, words):
    np.savez("scalar.npz", images=np.float32(1), labels=1)
    Path("other.prototxt").write_text(NET.replace("num_output: 32", "num_output: 16"))
    assert run(capsys, "train", "other.prototxt", "--data", "data.npz", "-o", "other.caffemodel", "--checkpoint",
               "other", *RECIPE)[0] == 0
    status, out, err = run(capsys, "train", *files, "--data", "data.npz", *RECIPE, "-o", "w.caffemodel", *args)
    assert status == 1 and out == "" and words in err.splitlines()[-1]
    assert sum(line.startswith("scalpel-rt: ") for line in err.splitlines()) == 1 and not Path("w.caffemodel").exists()


@pytest.mark.parametrize("state", ["[" * 100_000, "null", {"log": 3}, {"log": [3]}, {"log": [{}]},
                                   {"log": [{"accepted": True, "stage": 1, "ladder": None, "accuracy": "much"}]},
                                   {"log": [{"accepted": True, "stage": "x", "ladder": None, "accuracy": 1}]}])
def test_a_run_whose_state_is_damaged(files, capsys, state):
    args = ["prune", *files, "simd", "--sparsity", "0.5", "-o", "small", "--data", "data.npz", "--folder", "run",
            *RECIPE]
    assert run(capsys, *args)[0] == 0
    whole = json.loads(Path("run/run.json").read_text())
    Path("run/run.json").write_text(json.dumps({**whole, **state}) if isinstance(state, dict) else state)
    status, out, err = run(capsys, *args)
    assert status == 1 and out == "" and len(err.strip().splitlines()) == 1
    assert "run.json: is not the state of a run" in err


@pytest.mark.parametrize("verb", ["train", "prune", "scalpel"])
def test_help_has_an_example(verb, capsys):
    with pytest.raises(SystemExit) as done:
        main([verb, "--help"])
    assert done.value.code == 0 and f"scalpel-rt {verb} " in capsys.readouterr().out.split("example:")[1]


@pytest.mark.parametrize("args", [["--keep", "c"], ["--keep", "c=x"], ["--sparsity", "much"]])
def test_what_is_no_number_is_wrong_usage(files, args, capsys):
    with pytest.raises(SystemExit) as done:
        main(["prune", *files, "nodes", *args, "-o", "small"])
    assert done.value.code == 2
