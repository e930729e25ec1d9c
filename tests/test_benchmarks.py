"""The benchmarks do not rot: they are imported, the cheapest cases run, and what reads their results is right."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import bench_kernels, compare, layer_shapes, nets, ratios, saved
from scalpel_rt.errors import FormatError
from scalpel_rt.plan import forms
from scalpel_rt.plan.interpret import interpret
from scalpel_rt.plan.spec import Program

ROOT = Path(__file__).resolve().parents[1]


def bench(tmp_path, *arguments):
    """The summary of a run of pytest on files of benchmarks/."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "SCALPEL_CACHE": str(tmp_path / "cache"),
           "SCALPEL_BENCH_SECONDS": "0.01"}
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments], cwd=ROOT,
                          env=env, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", nets.NAMES)
def test_shapes_are_those_of_the_nets(name):
    text = (layer_shapes.FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    assert text == layer_shapes.made(name), "python -m benchmarks.layer_shapes writes them anew"
    shapes = layer_shapes.read(name)
    assert "".join(f"{shape}\n" for shape in shapes) == text
    op = min(shapes, key=lambda s: s.multiply_adds).op(0.5, "group_in")
    assert op.outputs[0].shape[0] == op.inputs[0].shape[0]


def test_shapes_count_what_the_nets_do():
    """The multiply-adds that the papers give."""
    for name, giga in [("alexnet", 0.72), ("vgg16", 15.5), ("googlenet", 1.58), ("resnet50", 3.86),
                       ("mobilenet", 0.57)]:
        assert sum(s.multiply_adds for s in layer_shapes.read(name)) == pytest.approx(giga * 1e9, rel=0.03)


def test_every_kernel_has_a_layer_that_it_can_do():
    for kernel in bench_kernels.KERNELS:
        op, arrays, _ = bench_kernels.alone(kernel)
        assert forms.find(kernel.kind, kernel.form).illegal(op, kernel) is None, kernel.symbol
        assert [array.shape for array in arrays] == [value.shape for value in op.inputs]


def test_the_cheapest_cases_run(tmp_path):
    out = bench(tmp_path, *map(str, sorted(ROOT.glob("benchmarks/bench_*.py"))), "--benchmark-disable", "-k",
                "(rivals and 300x784) or unary_plain or conv_group_out_8 or lenet_300_100-1- or lenet_300_100-ip1")
    assert " passed" in out and "failed" not in out


def test_the_ordinary_suite_does_not_collect_them():
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "benchmarks"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 5 and "no tests" in done.stdout


def test_a_recorded_run_can_be_read_and_held_against_itself(tmp_path, capsys):
    file = tmp_path / "run.json"
    bench(tmp_path, "benchmarks/bench_kernels.py", "-k", "rivals and 300x784", f"--benchmark-json={file}")
    entries = saved.read(file)
    ours = next(entry for entry in entries.values() if entry.info["who"] == "ours")
    assert {"shape", "sparsity", "format", "isa", "threads", "gflops", "gbs", "noise", "kernel"} <= set(ours.info)
    assert 1e-7 < ours.median < 1e-2 and ours.info["format"] == "group_in" and ours.info["sparsity"] == 0.7
    assert ours.info["gflops"] == pytest.approx(2e-9 * ours.info["kept"] / ours.median)
    assert any(entry.info["rival"] for entry in entries.values())
    assert compare.main([str(file), str(file)]) == 0
    assert ratios.main([str(file)]) == 0
    out = capsys.readouterr().out
    scipy = next(entry for entry in entries.values() if entry.info["who"] == "scipy_csr")
    assert f"{scipy.median / ours.median:.1f} (12.0)" in out and "0 slower" in out


def plant(path, rows):
    """A file as pytest-benchmark writes it, of (name, seconds, extra_info)."""
    path.write_text(json.dumps({"benchmarks": [
        {"name": name, "fullname": f"bench.py::{name}", "group": "g", "extra_info": info,
         "stats": {"median": seconds, "iqr": seconds / 100, "rounds": 100}} for name, seconds, info in rows]}))
    return str(path)


OLD = [("a", 1e-3, {"noise": 0.01}), ("b", 2e-3, {"noise": 0.01}), ("scipy", 5e-3, {"noise": 0.01, "rival": True})]


@pytest.mark.parametrize("change, status", [
    ({}, 0),                                    # nothing changed
    ({"a": 1.3}, 1),                            # one is slower
    ({"a": 0.5}, 0),                            # one is faster
    ({"a": 1.02}, 0),                           # less than the noise
    ({"a": 1.08, "scipy": 1.07}, 0),            # the machine was slower: what is not ours says so
    ({"a": 1.3, "scipy": 1.07}, 1),             # but not by that much
    ({"a": 1.08, "scipy": 0.9}, 1),             # others' work was faster: no excuse
    ({"scipy": 2.0}, 0),                        # others' work is not judged
])
def test_a_slowdown_beyond_the_noise_is_found(tmp_path, capsys, change, status):
    old = plant(tmp_path / "old.json", OLD)
    new = plant(tmp_path / "new.json", [(name, s * change.get(name, 1), info) for name, s, info in OLD])
    assert compare.main([old, new]) == status
    out = capsys.readouterr().out
    assert ("SLOWER" in out and "bench.py::a" in out) == bool(status)


def test_nets_are_held_against_the_best_engine_and_the_one_that_skips_zeros(tmp_path, capsys):
    rows = [("dense", 2e-3, False, 0.0), ("group_in", 1e-3, False, 0.9), ("group_out", 5e-4, False, 0.9),
            ("ncnn", 5e-3, True, 0.0), ("mnn", 3e-3, True, 0.0), ("deepsparse", 1e-3, True, 0.9)]
    path = plant(tmp_path / "nets.json", [(who, seconds, {"who": who, "rival": rival, "sparsity": zeros, "noise": 0.01})
                                          for who, seconds, rival, zeros in rows])
    assert ratios.races(saved.read(path)) == [("g", 2e-3, 3e-3, "mnn", 5e-4, 1e-3)]
    assert ratios.main([path]) == 0
    assert capsys.readouterr().out.split("\n")[2].split() == "g 2 ms 1.50 mnn 500 µs 6.00 2.00".split()
    alone = plant(tmp_path / "alone.json", [("dense", 2e-3, {"who": "dense", "rival": False, "sparsity": 0.0})])
    assert ratios.races(saved.read(alone)) == [("g", 2e-3, None, None, None, None)] and ratios.main([alone]) == 0


def test_a_net_of_one_layer_computes_what_the_layer_does():
    for net, name in (("alexnet", "conv2"), ("mobilenet", "conv2/dw"), ("lenet5", "ip2")):
        shape = next(s for s in layer_shapes.read(net) if s.name == name)
        op, x = shape.op(), np.random.default_rng(2).standard_normal(shape.x, np.float32)
        [got] = nets.one_layer(shape).forward(data=x).values()
        want, = interpret(Program((op,), op.inputs, op.outputs), [x])
        np.testing.assert_allclose(got.reshape(want.shape), want, rtol=1e-3, atol=1e-3)


def test_more_noise_allows_more(tmp_path):
    for noise, status in ((0.01, 1), (0.2, 0)):
        rows = [("a", 1e-3, {"noise": noise}), OLD[2]]
        old = plant(tmp_path / "old.json", rows)
        new = plant(tmp_path / "new.json", [("a", 1.3e-3, {"noise": noise}), OLD[2]])
        assert compare.main([old, new]) == status
    entry = saved.read(plant(tmp_path / "x.json", [("a", 1.0, {})]))["bench.py::a"]
    assert entry.noise == pytest.approx(1.57 * 0.01 / 10)


def test_files_that_cannot_be_compared(tmp_path, capsys, monkeypatch):
    good = plant(tmp_path / "old.json", OLD)
    for content in ("", "[]", '{"benchmarks": 3}', '{"benchmarks": [{"fullname": "x", "name": "x", "stats": {}}]}',
                    '{"benchmarks": [{"fullname": "x", "name": "x", "stats": {"median": 0, "iqr": 0, "rounds": 1},'
                    ' "extra_info": {"noise": 0}}]}'):
        (tmp_path / "bad.json").write_text(content)
        with pytest.raises(FormatError, match="bad.json"):
            saved.read(tmp_path / "bad.json")
        assert compare.main([good, str(tmp_path / "bad.json")]) == 2
    assert compare.main([good, plant(tmp_path / "other.json", [("z", 1.0, {})])]) == 2
    monkeypatch.chdir(tmp_path)
    assert compare.main([]) == 2 and "make bench" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        compare.main([good])


def test_the_last_two_saved_runs_are_taken(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".benchmarks" / "m").mkdir(parents=True)
    for i, factor in enumerate([9, 1, 2]):
        path = plant(tmp_path / ".benchmarks" / "m" / f"{i}.json", [("a", factor * 1e-3, {"noise": 0.0}), OLD[2]])
        os.utime(path, (i, i))
    assert compare.main([]) == 1
    assert "SLOWER 2.00x" in capsys.readouterr().out
