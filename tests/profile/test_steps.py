"""Profiles: they add up, they tell a slow kernel, and they can be shown."""

import json

import numpy as np
import pytest

import scalpel_rt as srt
from scalpel_rt import isa
from scalpel_rt.errors import OptionsError, ShapeError, UnsupportedError
from scalpel_rt.options import Options
from scalpel_rt.plan import build
from scalpel_rt.profile import Peaks, profile
from scalpel_rt.profile.roofline import plot_roofline
from scalpel_rt.profile.trace import chrome_trace, write_chrome_trace

from .nets import STAGED, load

PEAKS = Peaks(isa.Machine("test", isa.runnable()[-1], 2, 32 << 10, 1 << 20, 32 << 20, frozenset()),
              {isa.runnable()[-1]: {1: 100.0, 2: 200.0}},
              {"L1": {1: 200.0}, "L2": {1: 100.0}, "L3": {1: 80.0}, "DRAM": {1: 20.0}})


@pytest.fixture
def net(tmp_path):
    return load(tmp_path)


def found_rows(net, threads=1):
    return net.compile(Options(threads=threads)).explain()


def quick(net, **how):
    return profile(net, how.pop("options", Options(threads=1)), seconds=0.05, machine=PEAKS, **how)


def test_steps_of_the_real_plan_in_order(net):
    found = quick(net)
    assert [step.row.layers for step in found.steps] == [row.layers for row in found_rows(net)]
    assert [step.row.kind for step in found.steps] == ["conv", "conv", "pool", "fc", "softmax"]
    conv = found.steps[0]
    assert conv.row.multiply_adds == 16 * 24 * 24 * 8 * 9
    assert conv.gflops == pytest.approx(2e-9 * conv.row.multiply_adds / conv.timing.median)
    assert conv.gbs == pytest.approx(1e-9 * conv.nbytes / conv.timing.median)
    assert found.of_peak(conv) == (pytest.approx(conv.gflops / 100), pytest.approx(conv.gbs / 100))
    assert found.memory == "L2" and found.threads == 1 and found.inputs == {"data": (1, 8, 24, 24)}


def test_times_add_up(net):
    found = quick(net)
    assert sum(step.share for step in found.steps) == pytest.approx(1)
    assert found.in_steps == pytest.approx(sum(found.by_kind().values()))
    assert found.run.median == pytest.approx(found.in_steps + found.overhead)
    assert all(step.timing.min > 0 for step in found.steps)
    assert found.run.min > 0.5 * sum(step.timing.min for step in found.steps)


def test_a_slow_kernel_shows_as_slow(net, monkeypatch):
    """One layer is given the scalar kernel: its time, and nobody else's, must jump, and its share of the peak drop."""
    if isa.active() in ("scalar", "sse41"):
        pytest.skip("there is no kernel here that is much faster than the scalar one")
    before = quick(net)
    compare = build.compare
    monkeypatch.setattr(build, "compare", lambda op, level, options, *rest: compare(
        op, "scalar" if op.name == "conv2" else level,
        Options(numerics="exact") if op.name == "conv2" else options, *rest))
    after = quick(net)
    assert [step.row.kernel.endswith("scalar") for step in after.steps] == [False, True, False, False, False]
    slower = [a.timing.min / b.timing.min for a, b in zip(after.steps, before.steps, strict=True)]
    assert slower[1] > 4 and max(slower[0], slower[2], slower[3]) < slower[1] / 2
    assert max(after.steps, key=lambda step: step.share) is after.steps[1]
    assert after.of_peak(after.steps[1])[0] < before.of_peak(before.steps[1])[0] / 2


def test_sparse_layers_count_what_they_keep(net):
    sparse = srt.prune(net, "simd", width=8, sparsity=0.75)
    dense, pruned = quick(net), quick(sparse, options=Options(threads=1, weights="group"))
    assert pruned.steps[1].row.kernel.startswith("scl_conv_group")
    assert pruned.steps[1].row.multiply_adds == pytest.approx(dense.steps[1].row.multiply_adds / 4, rel=0.05)
    assert pruned.steps[1].row.weight_bytes < dense.steps[1].row.weight_bytes / 2


def test_layers_that_only_python_runs_are_timed_too(tmp_path):
    found = quick(load(tmp_path, STAGED), inputs={"index": np.array([1, 0, 1, 1])})
    assert [(step.row.kind, step.row.kernel == "python") for step in found.steps] == [
        ("conv", False), ("Filter", True), ("unary", False)]
    assert found.steps[1].row.shape == (3, 4, 6, 6)
    assert [event["name"] for event in chrome_trace(load(tmp_path, STAGED))["traceEvents"]
            if event["ph"] == "X"] == ["run", "conv", "which", "relu"]


def test_as_dict_is_json_and_the_table_is_square(net):
    found = quick(net)
    numbers = json.loads(json.dumps(found.as_dict()))
    assert numbers["net"] == "small" and numbers["run"]["median"] == found.run.median
    assert len(numbers["steps"]) == 5 and numbers["machine"]["gflops"]
    header, rows, _ = found.table()
    assert len(rows) == 5 and {len(row) for row in rows} == {len(header)}
    assert "conv1" in found._repr_html_() and "<table>" in found._repr_html_()
    assert "all else" in found.summary()


def test_a_net_without_a_step(tmp_path):
    text = STAGED.split("layer { name: \"conv\"")[0] + 'layer { name: "f" type: "Flatten" bottom: "data" top: "f" }'
    found = quick(load(tmp_path, text))
    assert not found.steps and found.in_steps == 0 and found.run.median > 0 and "run: " in found.summary()
    assert found.table()[1] == [] and json.dumps(found.as_dict())
    with pytest.raises(OptionsError, match="nothing to plot"):
        plot_roofline(found, tmp_path / "roof.png")


def test_nets_profile_themselves(net):
    assert net.profile(Options(threads=1), seconds=0.01, machine=PEAKS).steps


@pytest.mark.parametrize("inputs, error", [({"nosuch": np.zeros(3)}, OptionsError),
                                           ({"data": np.zeros(3)}, ShapeError)])
def test_wrong_inputs(net, inputs, error):
    with pytest.raises(error):
        quick(net, inputs=inputs)


def test_a_trace_holds_one_run_with_its_threads(net, tmp_path):
    write_chrome_trace(tmp_path / "t.json", net, Options(threads=2))
    trace = json.loads((tmp_path / "t.json").read_text())
    boxes = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    run, *parts = boxes
    assert run["name"] == "run" and all(0 <= box["ts"] and box["ts"] + box["dur"] <= run["dur"] for box in parts)
    rows = found_rows(net, 2)
    assert len(rows) <= len(parts) <= sum(row.threads for row in rows)      # a helper may have come too late
    assert [box["name"] for box in parts if box["tid"] == 1] == [row.layers for row in rows]
    named = {event["tid"]: event["args"]["name"] for event in trace["traceEvents"] if event["name"] == "thread_name"}
    assert named[0] == "run" and named[1] == "thread 0"
    begins = [min(box["ts"] for box in parts if box["name"] == row.layers) for row in rows]
    assert begins == sorted(begins)
    assert parts[0]["args"]["kernel"] == rows[0].kernel.removeprefix("scl_").replace("__", " ")


@pytest.mark.parametrize("ending, begins", [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_a_roofline_is_drawn(net, tmp_path, ending, begins):
    pytest.importorskip("matplotlib")
    plot_roofline(quick(net), tmp_path / f"roof.{ending}")
    assert (tmp_path / f"roof.{ending}").read_bytes().startswith(begins)
    with pytest.raises(OptionsError, match="roof.txt"):
        plot_roofline(quick(net), tmp_path / "roof.txt")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.prototxt", f"roof.{ending}"]


def test_without_matplotlib_the_plot_says_what_to_install(net, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(UnsupportedError, match=r"scalpel-rt\[report\]"):
        plot_roofline(quick(net), tmp_path / "roof.png")
