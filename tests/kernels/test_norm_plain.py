"""Vectors along the middle axis to length 1."""

import numpy as np
import pytest

from . import harness

TESTS = ("norm_plain",)


def check(kernel, x, scale, guard=0, eps=1e-10):
    outer, c, inner = x.shape
    numbers = {"outer": outer, "c": c, "inner": inner, "guard": guard, "eps": eps}
    inputs = {"x": x, "scale": scale}
    got = harness.run(kernel, inputs, {"y": x.shape}, numbers)["y"]
    wide, eps = x.astype(np.float64), float(np.float32(eps))
    with np.errstate(all="ignore"):
        squares = (wide * wide).sum(1, keepdims=True)
        want = wide / np.sqrt(np.where(squares > eps, squares, 1) if guard else squares + eps)
        want *= 1.0 if scale is None else scale.astype(np.float64)[:, None]
        bound = (6 + c**0.5) * harness.EPS * np.nan_to_num(np.abs(want), posinf=0)
    harness.assert_close(got, want, bound, f"{x.shape}, guard {guard}")
    in_place = harness.run(kernel, inputs, {"y": x.shape}, numbers, alias={"y": "x"})["y"]
    assert (harness.bits(in_place) == harness.bits(got)).all()


def tensor(rng, *shape):
    return rng.standard_normal(shape).astype(np.float32), rng.uniform(1, 20, shape[1]).astype(np.float32)


@pytest.mark.parametrize("guard", [0, 1])
def test_rows_at_the_tails(kernel, rng, lanes, guard):
    for c in [t for t in harness.tails(lanes) if t] + [150 * lanes + 1]:
        check(kernel, *tensor(rng, 3, c, 1), guard)


@pytest.mark.parametrize("guard", [0, 1])
def test_pixels_at_the_tails(kernel, rng, lanes, guard):
    for inner in [t for t in harness.tails(lanes) if t]:
        check(kernel, *tensor(rng, 2, 7, inner), guard)


def test_without_scale(kernel, rng):
    for shape in ((2, 33, 1), (2, 5, 37)):
        check(kernel, tensor(rng, *shape)[0], None)


@pytest.mark.parametrize("guard", [0, 1])
def test_short_vectors(kernel, rng, guard):
    """Zeros stay zeros; a sum of squares up to eps leaves the vector as it is, with a guard."""
    for shape in ((2, 33, 1), (2, 5, 37)):
        x, scale = tensor(rng, *shape)
        check(kernel, x * np.float32(0), scale, guard)
        check(kernel, (x * 1e-3).astype(np.float32), scale, guard, eps=1.0)


@pytest.mark.parametrize("guard", [0, 1])
def test_special_values(kernel, rng, guard):
    for shape in ((4, 33, 1), (2, 5, 37)):
        x, scale = tensor(rng, *shape)
        x[0, 3, 0], x[1, 4, 0] = np.nan, np.inf
        check(kernel, x, scale, guard)


def test_empty(kernel):
    check(kernel, np.zeros((0, 3, 1), np.float32), np.ones(3, np.float32))
    check(kernel, np.zeros((2, 3, 0), np.float32), np.ones(3, np.float32))
