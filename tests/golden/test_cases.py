"""Every golden case: what Caffe computes we compute, what Caffe rejects we reject and say why."""

import json
from pathlib import Path

import numpy as np
import pytest

import scalpel_rt as srt
from scalpel_rt import isa
from scalpel_rt.runtime.reference import ReferencePlan

from .judge import difference, names

CASES = Path(__file__).parent / "cases"
ALL = json.loads((CASES / "cases.json").read_text())

# Caffe lets views share memory, so that a layer in place on a view also changes what it is a view of. Here a value
# never changes once it is made: see test_views_keep_their_source.
DIFFERENT = {"alias_reshape_inplace"}

GOOD = [case for case in ALL if case["expects"] == "output" and case["name"] not in DIFFERENT]
BAD = [case for case in ALL if case["expects"] == "error"]


def case_id(case):
    return case["name"]


@pytest.fixture(autouse=True)
def in_cases(monkeypatch):
    """Nets name files relative to the folder."""
    monkeypatch.chdir(CASES)


def load(case):
    args = {name: value for name, value in (case.get("load_args") or {}).items()}
    return srt.load(f"{case['name']}.prototxt", case["weights"], dialect="bvlc", **args)


def arrays(case):
    """[(inputs, expected blobs)] of each forward."""
    path = CASES / f"{case['name']}.npz"
    if not path.exists():
        return [({}, {})]
    with np.load(path) as data:
        held = dict(data)
    steps = ["", *(str(i) for i in range(2, case.get("forwards", 1) + 1))]
    return [tuple({key.removeprefix(f"{part}{step}/"): value for key, value in held.items()
                   if key.startswith(f"{part}{step}/")} for part in ("in", "out")) for step in steps]


def check(case, outputs, blob, want):
    assert list(outputs) == case["outputs"]
    assert want, "the case expects nothing"
    for name, value in want.items():
        why = difference(outputs[name] if name in outputs else blob(name), value)
        assert why is None, f"{name}: {why}"


@pytest.mark.parametrize("level", isa.runnable())
@pytest.mark.parametrize("case", GOOD, ids=case_id)
def test_net(case, level):
    net = load(case)
    net.options = srt.Options(isa=level)
    for feed, want in arrays(case):
        outputs = net.forward(feed)
        check(case, outputs, lambda name: net.blobs[name].data, want)


@pytest.mark.parametrize("case", GOOD, ids=case_id)
def test_reference(case):
    net = load(case)
    state = {}
    for feed, want in arrays(case):
        net.reshape({name: value.shape for name, value in feed.items()})
        plan = ReferencePlan(net.graph, "all", state)
        outputs = plan.run_all(*(feed.get(blob.name, np.zeros(blob.shape, np.float32)) for blob in plan.inputs))
        final = net.graph.final_blobs()
        check(case, dict(zip(net.outputs, outputs, strict=True)), lambda name: plan.value(final[name]), want)  # noqa: B023


@pytest.mark.parametrize("case", BAD, ids=case_id)
def test_error(case):
    with pytest.raises(srt.ScalpelError) as caught:
        net = load(case)
        assert case["error_when"] == "forward", "accepted; " + case["error_hint"]
        net.forward(arrays(case)[0][0])
    missing = [token for token in case["must_name"] if not names(str(caught.value), token)]
    assert not missing, f"{missing} not named in: {caught.value}"


def test_views_keep_their_source():
    case = next(case for case in ALL if case["name"] == "alias_reshape_inplace")
    feed, caffe = arrays(case)[0]
    net = load(case)
    out = net.forward(feed)
    assert difference(out["r"], caffe["r"]) is None
    np.testing.assert_array_equal(net.blobs["p"].data, feed["x"])
    np.testing.assert_array_equal(out["q"], feed["x"])


def test_every_case_is_used():
    assert len(GOOD) + len(BAD) + len(DIFFERENT) == len(ALL) == 449
