"""Nets from everywhere: every file of the corpus that is a net can be set up, and runs."""

import csv
import re
import sys
from pathlib import Path

import pytest

import scalpel_rt as srt
from scalpel_rt.checking import trial
from scalpel_rt.graph import summarize

DOCS = Path(__file__).resolve().parents[2] / "docs" / "caffe-compatibility.md"

# What does not run, and a word of the reason; the docs list the same.
BAD = {
    "BVLC__caffe__examples_pycaffe_linreg.prototxt": "pyloss.EuclideanLossLayer",
    "dgschwend__netscope__presets_fcn-16s.prototxt": "both `layer` and `layers`",
    "dgschwend__netscope__presets_inceptionv3.prototxt": "'data', is made by no layer",
    "dgschwend__netscope__presets_inceptionv4.prototxt": "SoftmaxWithLoss takes 2",
    "dgschwend__netscope__presets_inceptionv4_resnet.prototxt": "'data', is made by no layer",
    "intel__caffe__models_intel_optimized_models_rfcn_pascal_voc_ResNet-50_rfcn_end2end_train_agnostic_ohem.prototxt":
        "rpn.anchor_target_layer.AnchorTargetLayer",
}
SMALL = 6e8, 8e6    # multiply-adds for one item and parameters of the nets that are run here; `check --run` runs all


@pytest.fixture(scope="module")
def manifest(shared):
    with open(shared / "prototxts" / "manifest.tsv", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_every_net_can_be_set_up(shared, manifest):
    assert len(manifest) > 100
    for row in manifest:
        report = srt.check(shared / "prototxts" / row["file"])
        assert report.kind == "net" and not report.unknown, row["file"]
        assert report.runs is (row["file"] not in BAD), f"{row['file']}: {report.reason}"
        if not report.runs:
            assert BAD[row["file"]] in report.reason
        assert report.format == row["format"] or row["file"] in BAD or row["format"].startswith("("), row["file"]


def test_fork_types_are_those_of_the_manifest(shared, manifest):
    for row in manifest:
        report = srt.check(shared / "prototxts" / row["file"])
        listed = set() if row["not_in_BVLC"] == "-" else set(row["not_in_BVLC"].split(","))
        assert set(report.fork_types) <= listed, row["file"]
        if row["parses_strictly_with_BVLC_proto"] == "yes":
            assert not report.fork_fields, row["file"]


def test_small_nets_run(shared, manifest):
    ran = 0
    for row in manifest:
        path = shared / "prototxts" / row["file"]
        report = srt.check(path)
        if not report.runs:
            continue
        graph = trial.one_item(trial.guess_shapes(srt.load(path, phase=report.phase).graph)[0])
        size = summarize(graph)
        if size.multiply_adds > SMALL[0] or size.parameters > SMALL[1]:
            continue
        trial.run(graph)
        ran += 1
    assert ran >= 24


def test_the_docs_name_what_does_not_run(shared):
    section = DOCS.read_text().split("## The corpus")[1].split("\n## ")[0]
    named = set(re.findall(r"`([^`\n]+\.prototxt)`", section))
    assert named == set(BAD)


LINEAR_LOSS = """
import caffe
import numpy as np


class EuclideanLossLayer(caffe.Layer):
    def reshape(self, bottom, top):
        top[0].reshape(1)

    def forward(self, bottom, top):
        top[0].data[...] = np.square(bottom[0].data - bottom[1].data).sum() / (2 * bottom[0].num)
"""


def test_with_the_users_code_the_net_of_a_python_loss_runs(shared, tmp_path, monkeypatch):
    (tmp_path / "pyloss.py").write_text(LINEAR_LOSS)
    monkeypatch.syspath_prepend(str(tmp_path))
    path = shared / "prototxts" / "BVLC__caffe__examples_pycaffe_linreg.prototxt"
    try:
        report = srt.check(path, allow_python=True, run=True)
        assert report.runs and report.outputs == {"loss": (1,)}
    finally:
        sys.modules.pop("pyloss", None)
