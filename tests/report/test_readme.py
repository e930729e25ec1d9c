"""The figures of the README are those of the results that it names."""

import re
from pathlib import Path

import pytest

from scalpel_rt.comparing.paper import account
from scalpel_rt.report import read
from scalpel_rt.report.tables import markdown

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def readme():
    return (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table(readme):
    found = read(ROOT / "docs" / "measured" / "paper.json")
    assert markdown(found) in readme
    assert not found.refused and [note for note in account(found)] == found.notes[:len(account(found))]
    over_blas, over_dense = (re.findall(r"(?:MKL's compressed rows|Scalpel) ([\d.]+) times", note)
                             for note in account(found)[1:3])
    said = re.search(r"pruning gives ([\d.]+) times the speed with MKL, Scalpel ([\d.]+) times; "
                     r"over our own dense kernels, ([\d.]+) and ([\d.]+) times", readme).groups()
    assert [float(s) for s in said] == pytest.approx([float(v) for v in over_blas + over_dense], abs=0.06)


def test_the_engines(readme):
    found = {e.method: e for e in read(ROOT / "docs" / "measured" / "lenet5.json").entries if e.sparsity is None}
    line = re.search(r"Dense, LeNet-5 takes (\d+) µs there; MNN (\d+), ncnn (\d+), ONNX Runtime (\d+), OpenCV (\d+), "
                     r"OpenVINO (\d+)", readme).groups()
    names = ("dense", "mnn", "ncnn", "onnxruntime", "opencv", "openvino")
    assert [int(v) for v in line] == [round(1e6 * found[name].times.median) for name in names]


def test_pictures_and_files_are_there(readme):
    for path in re.findall(r"\]\(([^)#]+)\)", readme):
        assert (ROOT / path).exists(), f"README.md names {path}"
