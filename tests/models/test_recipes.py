"""The scripts that make the nets under models/, played through by a shell whose commands are only written down."""

import importlib.util
import os
import shutil
import subprocess

import numpy as np
import pytest

import scalpel_rt as srt
from scalpel_rt import cli
from scalpel_rt.cli import _training, prune
from scalpel_rt.train.recipe import Recipe

from .test_shipped import EVERY, MEASURED, MODELS

DATA = "the data/"
RECORDER = """#!/bin/sh
printf '%s\\n' "${0##*/}" "$@" "" >> commands
"""


@pytest.fixture
def play(tmp_path, monkeypatch):
    """A function that runs a net's recipe and returns the commands that it gave, each a list of words."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bin").mkdir()
    for program in ("scalpel-rt", "python", "cp"):
        (tmp_path / "bin" / program).write_text(RECORDER)
        (tmp_path / "bin" / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")

    def recipe(net, *variants):
        (tmp_path / "models" / net).mkdir(parents=True)
        script = shutil.copy(MODELS / net / "recipe.sh", tmp_path / "models" / net)
        subprocess.run(["sh", script, DATA, *variants], check=True)
        return [command.split("\n") for command in (tmp_path / "commands").read_text().split("\n\n")[:-1]]

    return recipe


def pair(name):
    """The files that a net called ``name`` is written to."""
    return [name] if name.endswith(".safetensors") else [f"{name}.prototxt", f"{name}.caffemodel"]


def told(program, *words):
    """(files that a command reads, files that it writes); it fails where the command would refuse its options."""
    if program == "cp":
        return [words[0]], [words[1]]
    if program == "python":
        script, *read, output = words
        assert script == "models/convnet/finish.py"
        return read, pair(output)
    args = cli._parsed(words)
    read = [name for name in (args.prototxt, args.weights) if name is not None]
    if args.verb == "fold":
        return read, args.output
    assert args.data == DATA
    recipe = _training.recipe_of(args, Recipe())
    if args.verb == "train":
        assert args.checkpoint
        return read, [args.output]
    assert args.folder and _training.learn_of(args, recipe)
    if args.verb == "scalpel":
        return read, [f"{args.output}/net.{kind}" for kind in ("prototxt", "caffemodel", "safetensors")]
    assert prune._options(args)
    return read, [file for name in args.output for file in pair(name)]


@pytest.mark.parametrize("net", MEASURED)
def test_all_is_made_of_what_is_there(play, net):
    have = {f"models/{net}/{name}.prototxt" for name in ("deploy", "train")}
    for command in play(net):
        read, written = told(*command)
        assert set(read) <= have, command
        have.update(written)
    assert have >= {f"models/{net}/{name}" for found in MEASURED[net].values() for name in found["files"]}


@pytest.mark.parametrize("net, variant", EVERY)
def test_one_variant(play, net, variant):
    written = {name for command in play(net, variant) for name in told(*command)[1] if name.startswith("models/")}
    assert written == {f"models/{net}/{name}" for name in MEASURED[net][variant]["files"] if name != "deploy.prototxt"}


@pytest.mark.parametrize("net", MEASURED)
def test_usage(net):
    script = MODELS / net / "recipe.sh"
    assert subprocess.run(["sh", "-n", script], check=False).returncode == 0
    done = subprocess.run(["sh", script], check=False, capture_output=True, text=True)
    assert done.returncode != 0 and f"usage: sh models/{net}/recipe.sh" in done.stderr


@pytest.mark.parametrize("net", MEASURED)
def test_a_variant_that_is_none(net, tmp_path):
    """Not even where a program has its name."""
    done = subprocess.run(["sh", MODELS / net / "recipe.sh", DATA, "ls"], check=False, capture_output=True, text=True,
                          cwd=tmp_path)
    assert done.returncode == 2 and "no variant ls, but dense" in done.stderr and done.stdout == ""


@pytest.mark.parametrize("equalize", [False, True])
def test_nin_is_folded_with_all_its_zeros(equalize):
    net = srt.load(MODELS / "nin" / "train.prototxt")
    rng = np.random.default_rng(0)
    for node in net.layers:
        if node.type in ("BatchNorm", "Scale"):
            for param in node.params:
                param.array = rng.uniform(0.5, 2, param.shape).astype(np.float32)
    pruned = srt.prune(net, "simd", sparsity=0.7, width=8, scope="global")
    folded = srt.fold(pruned, equalize)
    for name, (weights, _) in folded.params.items():
        np.testing.assert_array_equal(weights.data == 0, pruned.params[name][0].data == 0)
    deploy = srt.load(MODELS / "nin" / "deploy.prototxt")
    assert [node.name for node in folded.layers] == [node.name for node in deploy.layers if node.type != "Dropout"]
    assert all(folded.params[name][i].shape == param.shape for name, held in deploy.params.items()
               for i, param in enumerate(held))


def test_tables_are_what_was_measured():
    spec = importlib.util.spec_from_file_location("measure", MODELS / "measure.py")
    measure = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(measure)
    for readme, lines in measure.tables(MEASURED).items():
        assert "\n".join([measure.BEGIN, "", *lines, "", measure.END]) in readme.read_text()
