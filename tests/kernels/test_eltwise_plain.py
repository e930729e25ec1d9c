"""Two tensors of one shape, element by element, with every activation."""

import numpy as np
import pytest

from scalpel_rt.runtime import _kernels

from . import harness
from .activations import ACTS, activate

TESTS = ("eltwise_plain",)
FN = _kernels.functions()
#: name -> fn, ca, cb
CASES = {"sum": ("sum", 1, 1), "weighted": ("sum", 0.5, -1.5), "prod": ("prod", 0, 0), "max": ("max", 0, 0)}


def tensors(rng, shape, special):
    a, b = (rng.standard_normal(shape).astype(np.float32) for _ in range(2))
    if special:
        values = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0], np.float32)
        a.flat, b.flat = np.resize(values, a.size), np.resize(np.repeat(values, len(values)), b.size)
    return a, b


def check(kernel, rng, case, act, shape, special=False):
    fn, ca, cb = CASES[case]
    n, c, inner = shape
    a, b = tensors(rng, shape, special)
    slope = rng.standard_normal(c).astype(np.float32)
    number, p0, p1 = ACTS[act]
    numbers = {"count": a.size, "c": c, "inner": inner, "fn": FN[fn], "ca": ca, "cb": cb, "act": number, "p0": p0,
               "p1": p1}
    inputs = {"a": a, "b": b, "slope": slope if act == "prelu" else None}
    got = harness.run(kernel, inputs, {"y": shape}, numbers)["y"]
    wa, wb = a.astype(np.float64), b.astype(np.float64)
    with np.errstate(invalid="ignore"):
        raw = {"sum": ca * wa + cb * wb, "prod": wa * wb, "max": np.where(wa > wb, wa, wb)}[fn]
        want = activate(raw, act, p0, p1, slope[:, None])
        bound = 2 * harness.EPS * np.nan_to_num(np.abs(wa * ca) + np.abs(wb * cb) + np.abs(wa * wb), posinf=0)
    harness.assert_close(got, want, bound * 3, f"{case} {act} {shape}")
    for source in ("a", "b"):
        in_place = harness.run(kernel, inputs, {"y": shape}, numbers, alias={"y": source})["y"]
        assert (harness.bits(in_place) == harness.bits(got)).all(), f"{case} onto {source}"


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("case", CASES)
def test_tails(kernel, rng, lanes, case, act):
    for inner in harness.tails(lanes):
        check(kernel, rng, case, act, (1, 3, inner))


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("case", CASES)
def test_special_values(kernel, rng, case, act):
    check(kernel, rng, case, act, (1, 2, 36), special=True)


@pytest.mark.parametrize("case", CASES)
def test_channels(kernel, rng, lanes, case):
    check(kernel, rng, case, "prelu", (3, 2 * lanes + 1, 1))
