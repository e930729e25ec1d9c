"""Files of pytest-benchmark as results."""

import copy
import json

import pytest

from scalpel_rt.comparing.benchmark import from_benchmark
from scalpel_rt.errors import FormatError
from scalpel_rt.report.html import page

INFO = {"shape": "fc 10x20", "sparsity": 0.9, "threads": 1, "format": "group_in", "isa": "avx2", "gflops": 2.0,
        "gbs": 3.0}
STATS = {"median": 1e-3, "q1": 0.9e-3, "q3": 1.2e-3, "rounds": 7}
HELD = {
    "machine_info": {"machine": "x86_64", "python_version": "3.11", "cpu": {"brand_raw": "Test CPU", "count": 4}},
    "commit_info": {"id": "0123456789abcdef", "dirty": True}, "datetime": "2026-01-02T03:04:05", "version": "5.0",
    "benchmarks": [
        {"name": "a", "group": "fc 10x20, 90 %", "stats": STATS, "extra_info": INFO},
        {"name": "b", "group": "fc 10x20, 90 %", "stats": {**STATS, "median": 4e-3},
         "extra_info": {**INFO, "format": "dense", "isa": None, "rival": True, "who": "blas", "gflops": 1.0}},
        {"name": "c", "group": "fc 10x20, 90 %", "stats": {**STATS, "median": 2e-3},
         "extra_info": {**INFO, "format": "csr", "isa": None, "rival": True, "who": "scipy_csr"}},
        {"name": "d", "group": None, "stats": STATS, "extra_info": {**INFO, "sparsity": 0, "format": "gemm"}},
        {"name": "e", "group": None, "stats": STATS, "extra_info": {}}]}


@pytest.fixture
def write(tmp_path):
    def write(change=lambda held: None):
        held = copy.deepcopy(HELD)
        change(held)
        path = tmp_path / "bench.json"
        path.write_text(json.dumps(held))
        return path

    return write


def test_entries(write):
    found = from_benchmark(write())
    assert [(e.net, e.method, e.ours) for e in found.entries] == [
        ("fc 10x20, 90 %", "group_in avx2", True), ("fc 10x20, 90 %", "dense blas", False),
        ("fc 10x20, 90 %", "scipy_csr", False), ("fc 10x20", "dense gemm avx2", True)]
    ours, dense, rows, _ = found.entries
    assert found.speedup(ours) == 4 and found.speedup(rows) == 2 and found.speedup(dense) == 1
    assert ours.multiply_adds == 1_000_000 and ours.traffic == 3_000_000 and ours.times.runs == 7
    assert found.about.git == "0123456789ab+" and found.about.machine.name == "Test CPU"
    assert found.notes == ["1 benchmarks do not say what they ran, and are left out."]


def test_the_same_reports(write, tmp_path):
    pytest.importorskip("matplotlib", reason="Matplotlib is not installed: the page has no plots")
    found = from_benchmark(write())
    text = page(found)
    assert "group_in avx2" in text and "4.00" in text and "4.00 times as fast (1 thread" in text
    found.save(tmp_path / "r.json")


@pytest.mark.parametrize("change, says", [
    (lambda h: h.pop("benchmarks"), "is not what pytest-benchmark writes: KeyError: 'benchmarks'"),
    (lambda h: h["benchmarks"][0].pop("stats"), "KeyError: 'stats'"),
    (lambda h: h["benchmarks"][0]["extra_info"].pop("gflops"), r"benchmark 'a': extra_info\['gflops'\] is None"),
    (lambda h: h["benchmarks"][0]["extra_info"].update(threads="2"), r"extra_info\['threads'\] is '2'"),
    (lambda h: h.update(benchmarks=h["benchmarks"][4:]), "holds no benchmark whose"),
    (lambda h: h.update(benchmarks=3), "is not what pytest-benchmark writes: TypeError")])
def test_broken(write, change, says):
    with pytest.raises(FormatError, match=says) as caught:
        from_benchmark(write(change))
    assert "bench.json" in str(caught.value)


def test_no_json(tmp_path):
    (tmp_path / "x.json").write_text("nothing")
    with pytest.raises(FormatError, match="x.json: is not JSON"):
        from_benchmark(tmp_path / "x.json")
