"""Copies between any strides, against NumPy's strided views."""

import itertools

import numpy as np
import pytest

from . import harness

TESTS = ("copy_plain",)


def check(kernel, x, dims, x_strides, y_strides, y_shape, x_offset=0, y_offset=0):
    """Copy into an array of NaN, and compare all of it: what the copy does not name must stay."""
    x = np.asarray(x, np.float32)
    y = np.full(y_shape, np.nan, np.float32)
    want = y.copy()
    index_x = np.full(dims, x_offset) + sum(
        s * i for s, i in zip(x_strides, np.indices(dims), strict=True)) if dims else np.array(x_offset)
    index_y = np.full(dims, y_offset) + sum(
        s * i for s, i in zip(y_strides, np.indices(dims), strict=True)) if dims else np.array(y_offset)
    want.reshape(-1)[index_y] = x.reshape(-1)[index_x]
    lead = 6 - len(dims)
    numbers = {"x_offset": x_offset, "y_offset": y_offset}
    for name, values, filler in (("d", dims, 1), ("xs", x_strides, 0), ("ys", y_strides, 0)):
        numbers |= {f"{name}{i}": int(v) for i, v in enumerate([filler] * lead + list(values))}
    got = harness.run(kernel, {"x": x}, {}, numbers, inout={"y": y})["y"]
    assert (harness.bits(got) == harness.bits(want)).all()


def strides(shape):
    """Strides in elements of a C-contiguous array."""
    return [int(np.prod(shape[i + 1:], dtype=int)) for i in range(len(shape))]


def permute(kernel, rng, shape, order):
    x = rng.standard_normal(shape)
    out = [shape[i] for i in order]
    check(kernel, x, out, [strides(shape)[i] for i in order], strides(out), out)


def test_one_run(kernel, rng, lanes):
    for n in [*harness.tails(lanes), 9 * lanes + 1]:
        check(kernel, rng.standard_normal(n + 2), [n], [1], [1], (n + 3,), 2, 1)


def test_runs(kernel, rng, lanes):
    for n in harness.tails(lanes):
        check(kernel, rng.standard_normal((3, 5, n + 2)), [3, 5, n], strides((3, 5, n + 2)), strides((3, 7, n + 1)),
              (3, 7, n + 1), 2, n + 1)


def test_transpositions_at_the_tails(kernel, rng, lanes):
    for a, b in itertools.product(harness.tails(lanes), (1, 3, lanes, 4 * lanes, 4 * lanes + 1)):
        permute(kernel, rng, (2, a, b), (0, 2, 1))


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_permutations_of_four(kernel, rng, order):
    permute(kernel, rng, (3, 5, 6, 7), order)
    permute(kernel, rng, (2, 1, 33, 18), order)


@pytest.mark.parametrize("order", [(5, 4, 3, 2, 1, 0), (1, 0, 3, 2, 5, 4), (0, 2, 4, 1, 3, 5), (5, 0, 1, 2, 3, 4)])
def test_six_dimensions(kernel, rng, order):
    permute(kernel, rng, (2, 3, 2, 4, 3, 5), order)


def test_tile_repeats(kernel, rng):
    x = rng.standard_normal((3, 4))
    check(kernel, x, [3, 5, 4], [4, 0, 1], [20, 4, 1], (3, 20))
    check(kernel, x, [3, 4, 5], [4, 1, 0], [20, 5, 1], (3, 20))
    check(kernel, x, [60], [0], [1], (60,), 5)


def test_reversed(kernel, rng):
    x = rng.standard_normal((4, 37))
    check(kernel, x, [4, 37], [37, -1], [37, 1], (4, 37), 36)
    check(kernel, x, [4, 37], [-37, 1], [37, 1], (4, 37), 3 * 37)


def test_strided_on_both_sides(kernel, rng):
    check(kernel, rng.standard_normal((9, 40)), [3, 10], [120, 4], [50, 3], (3, 50), 1, 2)
    check(kernel, rng.standard_normal((9, 40)), [9, 20], [40, 2], [20, 1], (9, 20), 1)


def test_a_channel_into_the_last_axis(kernel, rng):
    check(kernel, rng.standard_normal((5, 6, 7)), [5, 6, 7], [42, 7, 1], [84, 14, 2], (5, 6, 7, 2), 0, 1)


def test_one_element_and_none(kernel):
    check(kernel, np.arange(5), [], [], [], (3,), 3, 1)
    check(kernel, np.arange(5), [2, 0, 3], [1, 1, 1], [3, 3, 1], (6,))
