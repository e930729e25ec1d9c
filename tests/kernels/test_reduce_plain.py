"""Sums and maxima over the middle axis."""

import numpy as np
import pytest

from scalpel_rt.runtime import _kernels

from . import harness

TESTS = ("reduce_plain",)
FNS = ("sum", "asum", "sumsq", "max", "argmax")
NUMBERS = _kernels.functions()


def reference(x, fn):
    """(result, sum of magnitudes) in float64; of equal numbers the last is the greatest, NaN above all."""
    x = x.astype(np.float64)
    if fn in ("max", "argmax"):
        at = np.argsort(x, axis=1, kind="stable")[:, -1:]           # NaN sorts last
        return (np.take_along_axis(x, at, 1) if fn == "max" else at.astype(np.float64))[:, 0], 0
    terms = {"sum": x, "asum": np.abs(x), "sumsq": x * x}[fn]
    return terms.sum(1), np.abs(terms).sum(1)


def check(kernel, x, fn, coeff=1.0):
    outer, c, inner = x.shape
    numbers = {"outer": outer, "c": c, "inner": inner, "fn": NUMBERS[fn], "coeff": coeff}
    got = harness.run(kernel, {"x": x}, {"y": (outer, inner)}, numbers)["y"]
    with np.errstate(invalid="ignore"):
        want, magnitude = reference(x, fn)
        coeff = float(np.float32(coeff))
        bound = (4 + min(c, 2 * c**0.5)) * harness.EPS * np.nan_to_num(magnitude * abs(coeff), posinf=0)
    harness.assert_close(got, want * coeff, bound, f"{fn} of {x.shape}")


def numbers(rng, *shape):
    """Few different ones, so that maxima tie."""
    return (rng.integers(-8, 9, shape) * 0.37).astype(np.float32)


@pytest.mark.parametrize("fn", FNS)
def test_rows_at_the_tails(kernel, rng, lanes, fn):
    for c in [t for t in harness.tails(lanes) if t] + [513 * lanes + 1]:
        check(kernel, numbers(rng, 3, c, 1), fn)


@pytest.mark.parametrize("fn", FNS)
def test_pixels_at_the_tails(kernel, rng, lanes, fn):
    for inner in [t for t in harness.tails(lanes) if t]:
        check(kernel, numbers(rng, 2, 5, inner), fn)
        check(kernel, numbers(rng, 1, 1, inner), fn)


@pytest.mark.parametrize("fn", ["sum", "asum", "sumsq"])
def test_coefficient(kernel, rng, fn):
    check(kernel, numbers(rng, 2, 37, 1), fn, -0.3)
    check(kernel, numbers(rng, 2, 7, 19), fn, 1 / 7)
    check(kernel, numbers(rng, 2, 7, 19), fn, 0.0)


@pytest.mark.parametrize("fn", FNS)
def test_special_values(kernel, rng, fn):
    values = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0], np.float32)
    for shape in ((40, 5, 1), (9, 70, 1), (3, 4, 45)):
        check(kernel, rng.choice(values, shape, p=[0.05, 0.1, 0.3, 0.2, 0.2, 0.15]), fn)
    check(kernel, np.full((2, 50, 1), -np.inf, np.float32), fn)
    check(kernel, np.full((2, 50, 20), np.nan, np.float32), fn)


@pytest.mark.parametrize("fn", ["max", "argmax"])
def test_the_last_of_equals_wins(kernel, fn):
    check(kernel, np.zeros((2, 77, 1), np.float32), fn)
    check(kernel, np.zeros((2, 7, 33), np.float32), fn)


def test_nothing_to_add(kernel):
    for shape in ((3, 0, 1), (3, 0, 20)):
        check(kernel, np.zeros(shape, np.float32), "sum")
