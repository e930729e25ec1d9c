"""The counts of docs/reliability.md are true."""

import json
import re
from pathlib import Path

from scalpel_rt.layers import types

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
        "planted faults": len(FAULTS),
    }


def test_files_and_targets_are_there():
    text = (ROOT / "docs" / "reliability.md").read_text() + (ROOT / "SECURITY.md").read_text()
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for path in re.findall(r"`(tests/[^`:]*)`", text):
        assert (ROOT / path).exists(), path
    for target in re.findall(r"`make ([a-z]+)`", text):
        assert target in targets, target
