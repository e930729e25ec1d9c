"""Results as data: their file, what a broken one says, speed-ups."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from scalpel_rt.errors import FormatError
from scalpel_rt.report import read
from scalpel_rt.report.results import Entry, Layer, Machine

from .sample import MACHINE, entry, results


def test_round_trip(tmp_path):
    path = tmp_path / "r.json"
    results().save(path)
    assert read(path) == results()
    assert json.loads(path.read_text())["version"] == 1


def broken(change):
    data = json.loads(json.dumps({"format": "scalpel_rt results", "version": 1, **_plain()}))
    change(data)
    return data


def _plain():
    from dataclasses import asdict

    return asdict(results())


@pytest.mark.parametrize("change, says", [
    (lambda d: d.update(format="other"), '"format" is not'),
    (lambda d: d.update(version=2), "of version 2; this release reads 1"),
    (lambda d: d.pop("entries"), "results lacks the field 'entries'"),
    (lambda d: d.update(more=1), "results has a field 'more' that there is not"),
    (lambda d: d.update(entries={}), "results.entries must be a list, not {}"),
    (lambda d: d["entries"].append(3), r"results.entries\[6\] must be an object, not 3"),
    (lambda d: d["entries"][1].update(threads=1.5), r"results.entries\[1\].threads must be a whole number, not 1.5"),
    (lambda d: d["entries"][0].update(threads=True), "must be a whole number, not true"),
    (lambda d: d["entries"][0].update(ours=1), "ours must be true or false, not 1"),
    (lambda d: d["entries"][0]["times"].update(median=-1), r"entries\[0\].times.median must be a number of at least 0"),
    (lambda d: d["entries"][0]["times"].update(median="x" * 99), "median must be a number, not \"xxx.*\\.\\.\\."),
    (lambda d: d["entries"][0]["layers"][1].update(name=None), r"layers\[1\].name must be text, not null"),
    (lambda d: d["about"]["machine"]["gflops"].update({"1": "fast"}), "machine.gflops.1 must be a number"),
    (lambda d: d["entries"][0]["times"].update(median=10**400), "median must be a number of at least 0, below 2"),
    (lambda d: d["entries"][0].update(threads=10**400), "threads must be a number of at least 0, below 2"),
    (lambda d: d["entries"][0].update(traffic=10**400), "traffic must be a number of at least 0, below 2"),
])
def test_broken_files_say_where(tmp_path, change, says):
    path = tmp_path / "r.json"
    path.write_text(json.dumps(broken(change)))
    with pytest.raises(FormatError, match=says) as caught:
        read(path)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("text", ["", "{", "[1]", "[" * 100_000, "NaN", b"\xff\xfe"])
def test_no_json(tmp_path, text):
    path = tmp_path / "r.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(FormatError, match="r.json: is no"):
        read(path)


def test_infinity_is_refused(tmp_path):
    path = tmp_path / "r.json"
    data = broken(lambda d: None)
    data["entries"][0]["error"] = float("inf")
    path.write_text(json.dumps(data))
    with pytest.raises(FormatError, match="error must be a number of at least 0"):
        read(path)


def test_speedup_is_over_dense_of_the_same_setting():
    r = results()
    assert [round(r.speedup(e), 3) for e in r.entries] == [1, 0.5, 2, 1.25, 5, 0.667]
    alone = entry("csr", 1e-3, 0.5, threads=2)
    other = entry("csr", 1e-3, 0.5, net="m")
    r = replace(r, entries=[*r.entries, alone, other])
    assert r.baseline(alone) is None and r.speedup(alone) is None and r.speedup(other) is None


@pytest.mark.parametrize("count", ["x", "-1", "1" * 4000, "", "0", "1.5"])
def test_a_count_of_threads_that_is_none(count):
    """It is left out: what was measured for other counts still says something."""
    machine = replace(results().about.machine, gflops={"1": 100.0, count: 7.0})
    assert machine.peak(1) == machine.peak(2) == 100


def test_machine():
    assert MACHINE.peak(1) == 100 and MACHINE.peak(2) == 200 and MACHINE.peak(8) == 200
    assert MACHINE.level(1 << 15, 1) == "L2" and MACHINE.level((1 << 20) + 1, 1) == "DRAM"
    assert MACHINE.level((1 << 20) + 1, 2) == "L2" and MACHINE.bandwidth("L2", 2) == 160
    unknown = Machine("x", "scalar", 1)
    assert unknown.peak(1) is None and unknown.level(10, 1) is None and unknown.bandwidth("DRAM", 1) is None


def test_the_schema_is_described():
    text = (Path(__file__).resolve().parents[2] / "docs" / "results.md").read_text(encoding="utf-8")
    for kind in (Entry, Layer, Machine):
        for name in kind.__dataclass_fields__:
            assert f"`{name}`" in text, f"docs/results.md does not speak of {kind.__name__}.{name}"
