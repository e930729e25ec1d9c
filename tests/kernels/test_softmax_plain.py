"""Softmax over the middle axis."""

import numpy as np
import pytest

from . import harness

TESTS = ("softmax_plain",)


def check(kernel, x):
    outer, c, inner = x.shape
    numbers = {"outer": outer, "c": c, "inner": inner}
    got = harness.run(kernel, {"x": x}, {"y": x.shape}, numbers)["y"]
    with np.errstate(all="ignore"):
        e = np.exp(x.astype(np.float64) - x.max(1, keepdims=True).astype(np.float64)) if x.size else x
        want = e / e.sum(1, keepdims=True) if x.size else x
        # exp of a rounded difference, and a sum of c terms
        bound = (6 + np.log2(c + 2) + 0.1 * c**0.5) * harness.EPS * want + 2e-45
        bound += harness.EPS * np.abs(np.log(np.maximum(want, 1e-300))) * want
    harness.assert_close(got, want, bound, f"{x.shape}")
    in_place = harness.run(kernel, {"x": x}, {"y": x.shape}, numbers, alias={"y": "x"})["y"]
    assert (harness.bits(in_place) == harness.bits(got)).all()


def scores(rng, *shape):
    return (rng.standard_normal(shape) * 10).astype(np.float32)


def test_classes_at_the_tails(kernel, rng, lanes):
    for c in [t for t in harness.tails(lanes) if t] + [1000]:
        check(kernel, scores(rng, 3, c, 1))


@pytest.mark.parametrize("c", [1, 2, 21])
def test_pixels_at_the_tails(kernel, rng, lanes, c):
    for inner in [t for t in harness.tails(lanes) if t] + [9 * lanes + 3]:
        check(kernel, scores(rng, 2, c, inner))


def test_few_classes_in_many_rows(kernel, rng, lanes):
    for outer in harness.tails(lanes):
        check(kernel, scores(rng, outer, 2, 1))
        check(kernel, scores(rng, outer, 21, 1))


def test_large_scores_do_not_overflow(kernel):
    x = np.array([[3e38, 2.9e38, -3e38], [-3e38, -3e38, -3e38], [88, 89, 90], [1e-45, 0, -1e-45]], np.float32)
    check(kernel, x[:, :, None])
    check(kernel, np.ascontiguousarray(x.T[None]))


def test_special_values(kernel):
    inf, nan = np.inf, np.nan
    x = np.array([[1, -inf, 2, 0], [inf, 1, 2, 0], [nan, 1, 2, 0], [1, 2, 3, nan], [-inf] * 4, [nan] * 4, [1, 2, 3, 4]],
                 np.float32)
    check(kernel, x[:, :, None])
    check(kernel, np.ascontiguousarray(np.tile(x.T[None], (1, 1, 5))))


def test_equal_scores_share_evenly(kernel):
    numbers = {"outer": 1, "c": 8, "inner": 1}
    got = harness.run(kernel, {"x": np.full((1, 8, 1), 5.0, np.float32)}, {"y": (1, 8, 1)}, numbers)
    assert (got["y"] == 0.125).all()


def test_empty(kernel):
    check(kernel, np.zeros((0, 5, 3), np.float32))
    check(kernel, np.zeros((2, 5, 0), np.float32))
