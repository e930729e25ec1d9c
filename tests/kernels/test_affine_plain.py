"""A scale and a shift for each channel, with every activation."""

import numpy as np
import pytest

from . import harness
from .activations import ACTS, activate

TESTS = ("affine_plain",)


def check(kernel, rng, shape, act="none", scaled=True, shifted=True, special=False):
    outer, c, inner = shape
    x = rng.standard_normal(shape).astype(np.float32)
    if special and x.size:
        x.flat[:: 3] = np.resize(np.array([np.nan, np.inf, -np.inf, 0.0, -0.0], np.float32), x.flat[::3].shape)
    scale, shift, slope = (rng.standard_normal(c).astype(np.float32) for _ in range(3))
    number, p0, p1 = ACTS[act]
    numbers = {"outer": outer, "c": c, "inner": inner, "act": number, "p0": p0, "p1": p1}
    inputs = {"x": x, "scale": scale if scaled else None, "shift": shift if shifted else None,
              "slope": slope if act == "prelu" else None}
    got = harness.run(kernel, inputs, {"y": shape}, numbers)["y"]
    wide = x.astype(np.float64)
    s = scale[:, None].astype(np.float64) if scaled else 1.0
    t = shift[:, None].astype(np.float64) if shifted else 0.0
    with np.errstate(invalid="ignore"):
        want = activate(wide * s + t, act, p0, p1, slope[:, None])
        bound = 3 * harness.EPS * np.nan_to_num(np.abs(wide * s) + np.abs(t), posinf=0)
    harness.assert_close(got, want, bound, f"{shape} {act}")
    in_place = harness.run(kernel, inputs, {"y": shape}, numbers, alias={"y": "x"})["y"]
    assert (harness.bits(in_place) == harness.bits(got)).all()


@pytest.mark.parametrize("act", ACTS)
def test_pixels(kernel, rng, lanes, act):
    for inner in harness.tails(lanes):
        check(kernel, rng, (2, 5, inner), act)


@pytest.mark.parametrize("act", ACTS)
def test_channels(kernel, rng, lanes, act):
    for c in harness.tails(lanes):
        check(kernel, rng, (3, c, 1), act)


@pytest.mark.parametrize("scaled, shifted", [(True, False), (False, True), (False, False)])
def test_absent_factors(kernel, rng, scaled, shifted):
    for shape in ((2, 3, 37), (3, 37, 1)):
        check(kernel, rng, shape, "none", scaled, shifted, special=True)


@pytest.mark.parametrize("act", ACTS)
def test_special_values(kernel, rng, act):
    for shape in ((1, 4, 61), (2, 61, 1)):
        check(kernel, rng, shape, act, special=True)


def test_absent_shift_keeps_the_sign_of_zero(kernel):
    x = np.full((1, 3, 20), -0.0, np.float32)
    inputs = {"x": x, "scale": np.ones(3, np.float32)}
    y = harness.run(kernel, inputs, {"y": x.shape}, {"outer": 1, "c": 3, "inner": 20})["y"]
    assert np.signbit(y).all()
