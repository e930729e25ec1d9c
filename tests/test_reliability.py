"""The counts of docs/reliability.md are true."""

import importlib
import json
import re
from pathlib import Path

import pytest

from scalpel_rt.layers import types

from .caffe import test_mutations as files
from .golden import test_fuzz as nets
from .hostile import test_mutated as targets
from .layers.cases import AMONG, CASES
from .mutants.faults import FAULTS

ROOT = Path(__file__).parents[1]


def test_the_counts_are_true():
    text = (ROOT / "docs" / "reliability.md").read_text()
    rows = re.findall(r"^\| ([a-z][a-z0-9 ]+) \| (\d+) \|$", text, re.MULTILINE)
    assert {what: int(number) for what, number in rows} == {
        "kernels": len(re.findall(r"^KERNEL\(", (ROOT / "src_c/include/scl_kernels.def").read_text(), re.MULTILINE)),
        "layer types": len(types()),
        "layer types held against float64 at random": len({*CASES, *AMONG}),
        "golden cases": len(json.loads((ROOT / "tests/golden/cases/cases.json").read_text())),
        "damaged nets and files in the ordinary tests": _damaged(),
        "planted faults": len(FAULTS),
    }


def _damaged():
    for package in ("h5py", "PIL"):
        pytest.importorskip(package, reason=f"{package} is not installed: not all damaged files are made")
    found = files.EACH * (len(files.WEIGHTS) + len(files.NETS) + 1)
    found += nets.ROUNDS * len(list(nets.CASES.glob("*.prototxt")))
    for name, each in targets.DAMAGED.items():
        found += each * len(list(importlib.import_module(f"fuzz.{name}").seeds()))
    return found


def test_files_and_targets_are_there():
    text = (ROOT / "docs" / "reliability.md").read_text() + (ROOT / "SECURITY.md").read_text()
    made = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for path in re.findall(r"`(tests/[^`:]*)`", text):
        assert (ROOT / path).exists(), path
    for target in re.findall(r"`make ([a-z]+)`", text):
        assert target in made, target
