"""Rows less their mean, over their deviation."""

import numpy as np
import pytest

from . import harness

TESTS = ("mvn_plain",)


def check(kernel, x, variance=1, eps=1e-9):
    rows, k = x.shape
    numbers = {"rows": rows, "k": k, "variance": variance, "eps": eps}
    got = harness.run(kernel, {"x": x}, {"y": x.shape}, numbers)["y"]
    wide = x.astype(np.float64)
    with np.errstate(all="ignore"):
        centred = wide - wide.mean(1, keepdims=True)
        deviation = np.sqrt(np.square(centred).mean(1, keepdims=True))
        divisor = deviation + float(np.float32(eps)) if variance else 1.0
        # the mean is rounded to a float, and taken off in one
        largest = np.abs(wide).max(1, keepdims=True, initial=0)
        bound = harness.EPS * (2 * largest + (8 + k**0.5) * np.abs(centred)) / divisor
    harness.assert_close(got, centred / divisor, np.nan_to_num(bound, nan=0, posinf=0), f"{x.shape}")
    in_place = harness.run(kernel, {"x": x}, {"y": x.shape}, numbers, alias={"y": "x"})["y"]
    assert (harness.bits(in_place) == harness.bits(got)).all()


@pytest.mark.parametrize("variance", [0, 1])
def test_tails(kernel, rng, lanes, variance):
    for k in [t for t in harness.tails(lanes) if t > 1] + [300 * lanes + 5]:
        check(kernel, (rng.standard_normal((5, k)) * 3 + 1).astype(np.float32), variance)


def test_a_mean_far_from_zero(kernel, rng):
    check(kernel, (rng.standard_normal((3, 1000)) + 1000).astype(np.float32))
    check(kernel, (rng.standard_normal((3, 37)) * 1e-3 - 7).astype(np.float32), eps=1e-3)


def test_equal_numbers(kernel):
    """The mean of 0.5 is exact: nothing is left, whatever the divisor."""
    for k in (1, 5, 64, 101):
        got = harness.run(kernel, {"x": np.full((2, k), 0.5, np.float32)}, {"y": (2, k)},
                          {"rows": 2, "k": k, "variance": 1, "eps": 1e-9})["y"]
        assert (got == 0).all()


def test_special_values(kernel, rng):
    x = rng.standard_normal((4, 40)).astype(np.float32)
    x[0, 3], x[1, 3], x[2, 3:5] = np.nan, np.inf, [np.inf, -np.inf]
    check(kernel, x)
    check(kernel, x, variance=0)


def test_no_rows(kernel):
    check(kernel, np.zeros((0, 5), np.float32))
