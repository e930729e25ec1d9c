"""Functions of one element: error bounds in units in the last place, special values, tails."""

import numpy as np
import pytest

from scalpel_rt.plan.spec import UNARY
from scalpel_rt.runtime import _kernels

from . import harness

TESTS = ("unary_plain",)
FN = _kernels.functions()
LOG_2, LOG10_E = float(np.float32(np.log(2))), float(np.float32(np.log10(np.e)))
SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 1e-45, -1e-45, 1e-38, 3e38, -3e38, 88.0, 89.0, -87.0,
                    -88.0, -104.0, -105.0, 0.5, 1e-8, 20.0, 21.0], np.float32)


def sigmoid(x):
    return np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))))


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def clip(x, lo, hi):
    return np.where(np.isnan(x), lo, np.maximum(lo, np.minimum(x, hi)))


def power(x, p, scale, shift):
    if p == 0:
        return np.ones_like(x)
    return np.power(np.full_like(x, shift) if scale == 0 else shift + scale * x, np.full_like(x, p))


#: name of a case -> (fn, p0, p1, p2, float64 reference, ulps, absolute error for each unit of |x|, absolute error)
CASES = {
    "relu": ("relu", 0, 0, 0, lambda x: np.maximum(x, 0) + 0 * np.minimum(x, 0), 0, 0, 0),
    "leaky": ("relu", 0.1, 0, 0, lambda x: np.maximum(x, 0) + np.float32(0.1) * np.minimum(x, 0.0), 1, 0, 0),
    "elu": ("elu", 1.5, 0, 0, lambda x: np.maximum(x, 0) + 1.5 * np.expm1(np.minimum(x, 0)), 1, 0, 3e-7),
    "sigmoid": ("sigmoid", 0, 0, 0, sigmoid, 4, 0, 1e-44),
    "tanh": ("tanh", 0, 0, 0, np.tanh, 3, 0, 0),
    "abs": ("abs", 0, 0, 0, np.abs, 0, 0, 0),
    "bnll": ("bnll", 0, 0, 0, softplus, 4, 0, 1e-44),
    "swish": ("swish", 1, 0, 0, lambda x: x * sigmoid(x), 5, 0, 1e-42),
    "swish of beta 0.75": ("swish", 0.75, 0, 0, lambda x: x * sigmoid(0.75 * x), 130, 0, 1e-42),
    "clip": ("clip", -2, 6, 0, lambda x: clip(x, -2, 6), 0, 0, 0),
    "clip below zero": ("clip", -3, -1, 0, lambda x: clip(x, -3, -1), 0, 0, 0),
    "threshold": ("threshold", 0.5, 0, 0, lambda x: (x > 0.5).astype(float), 0, 0, 0),
    "exp": ("exp", 1, 0, 0, np.exp, 1.5, 0, 0),
    "exp of base 2": ("exp", LOG_2, -1, 0, lambda x: np.exp(-1 + LOG_2 * x), 130, 0, 0),
    "log": ("log", 1, 0, 1, np.log, 1.5, 0, 0),
    "log of base 10": ("log", 2, 0.5, LOG10_E, lambda x: np.log(0.5 + 2 * x) * LOG10_E, 3, 0, 3e-7),
    "mish": ("mish", 0, 0, 0, lambda x: x * np.tanh(softplus(x)), 5, 0, 1e-42),
    "hswish": ("hswish", 0, 0, 0, lambda x: x * np.minimum(np.maximum(x + 3, 0), 6) / 6, 3, 1e-7, 0),
}
#: power: p0, p1, p2 -> ulps, for bases of either sign
POWERS = {(1, 2, 1): 2, (2, 1, 0): 1, (3, 1, 0): 2, (-1, 1, 0): 1, (0.5, 1, 0): 1, (0.75, 1, 0): 3, (-0.5, 1, 0): 3,
          (1.5, 1, 0): 4, (-2, 1, 0): 4, (4, 1, 0): 6, (-0.75, 1, 0): 3, (10, 1, 0): 12,
          (0, 1, 2): 0, (2, 0, 3): 0, (0.5, 0, -1): 0, (0, 0, 0): 0}


def run(kernel, fn, p0, p1, p2, x):
    numbers = {"count": x.size, "fn": FN[fn], "p0": p0, "p1": p1, "p2": p2}
    return harness.run(kernel, {"x": x}, {"y": x.shape}, numbers)["y"]


@pytest.mark.parametrize("case", CASES)
def test_values(kernel, rng, case):
    fn, p0, p1, p2, reference, ulps, slope, floor = CASES[case]
    parts = [rng.standard_normal(700) * 3, rng.uniform(-105, 90, 700), rng.standard_normal(300) * 1e-3,
             10.0 ** rng.uniform(-44, 38, 600) * rng.choice([-1, 1], 600), SPECIAL]
    x = np.concatenate(parts).astype(np.float32)
    if case == "log of base 10":
        x = x[~(np.abs(x) > 1e38)]  # twice that is infinite
    with np.errstate(all="ignore"):
        want = reference(x.astype(np.float64))
        bound = floor + slope * np.nan_to_num(np.abs(x.astype(np.float64)), posinf=0)
    harness.assert_ulps(run(kernel, fn, p0, p1, p2, x), want, ulps, case, bound)


@pytest.mark.parametrize("p", POWERS)
def test_powers(kernel, rng, p):
    x = np.concatenate([10.0 ** rng.uniform(-44, 38, 900) * rng.choice([-1, 1], 900, p=[0.1, 0.9]),
                        rng.uniform(0, 4, 600), SPECIAL]).astype(np.float32)
    with np.errstate(all="ignore"):
        want = power(x.astype(np.float64), *p)
        floor = np.where(np.abs(want) < 1.2e-38, 3e-45, 0) if p != (1, 2, 1) else 3e-7
    harness.assert_ulps(run(kernel, "power", *p, x), want, POWERS[p], f"power {p}", floor)


@pytest.mark.parametrize("case", CASES)
def test_tails(kernel, rng, lanes, case):
    fn, p0, p1, p2, reference, ulps, slope, floor = CASES[case]
    for n in harness.tails(lanes):
        x = np.abs(rng.standard_normal(n)).astype(np.float32) + np.float32(0.1)
        harness.assert_ulps(run(kernel, fn, p0, p1, p2, x), reference(x.astype(np.float64)), ulps, f"{case} of {n}",
                            floor + slope * 10 + 1e-7)


def test_in_place(kernel, rng, lanes):
    for n in harness.tails(lanes):
        x = rng.standard_normal(n).astype(np.float32)
        numbers = {"count": n, "fn": FN["tanh"]}
        apart = harness.run(kernel, {"x": x}, {"y": n}, numbers)["y"]
        in_place = harness.run(kernel, {"x": x}, {"y": n}, numbers, alias={"y": "x"})["y"]
        harness.assert_same(in_place, apart)


def test_relu_keeps_the_sign_of_zero_as_caffe_does(kernel):
    x = np.array([-0.0, 0.0, -1.0, 1.0] * 5, np.float32)
    y = run(kernel, "relu", 0, 0, 0, x)
    assert (np.signbit(y) == np.array([True, False, False, False] * 5)).all()


def test_every_function_is_tested():
    assert {case[0] for case in CASES.values()} | {"power"} == set(UNARY) <= set(FN)
