"""Bilinear resizing along tables of neighbours."""

import numpy as np
import pytest

from . import harness

TESTS = ("interp_plain",)


def table(pixels, size):
    """low, high, part of ``size`` points from the first to the last of ``pixels``."""
    at = np.arange(size) * ((pixels - 1) / (size - 1) if size > 1 else 0.0)
    low = np.minimum(at.astype(np.int32), pixels - 1)
    return low, np.minimum(low + 1, pixels - 1).astype(np.int32), (at - low).astype(np.float32)


def check(kernel, x, rows, columns):
    planes, h, w = x.shape
    oh, ow = len(rows[0]), len(columns[0])
    inputs = {"x": x, **{f"{axis}_{name}": t for axis, tables in (("y", rows), ("x", columns))
                         for name, t in zip(("low", "high", "part"), tables, strict=True)}}
    numbers = {"planes": planes, "h": h, "wd": w, "oh": oh, "ow": ow}
    got = harness.run(kernel, inputs, {"y": (planes, oh, ow)}, numbers, scratch=2 * ow)["y"]

    def mixed(v, axis, low, high, part):
        part = part.astype(np.float64).reshape([-1 if i == axis else 1 for i in range(3)])
        return (1 - part) * v.take(low, axis) + part * v.take(high, axis)

    wide = x.astype(np.float64)
    want = mixed(mixed(wide, 2, *columns), 1, *rows)
    bound = 6 * harness.EPS * mixed(mixed(np.abs(wide), 2, *columns), 1, *rows)
    harness.assert_close(got, want, bound, f"{x.shape} to {oh} x {ow}")


def image(rng, *shape):
    return rng.standard_normal(shape).astype(np.float32)


def test_widths_at_the_tails(kernel, rng, lanes):
    for ow in [t for t in harness.tails(lanes) if t]:
        for w in (1, 2, 5, lanes + 1, 2 * ow + 1):
            check(kernel, image(rng, 2, 3, w), table(3, 5), table(w, ow))


@pytest.mark.parametrize("h, oh", [(1, 1), (1, 4), (4, 1), (2, 9), (9, 2), (5, 5), (7, 13), (30, 8), (3, 8)])
def test_heights(kernel, rng, h, oh):
    check(kernel, image(rng, 3, h, 6), table(h, oh), table(6, 11))


def test_any_tables(kernel, rng):
    """Rows in any order, the same pixel twice, parts of 1: what other conventions of resizing may ask for."""
    rows = [rng.integers(0, 5, 12).astype(np.int32) for _ in range(2)] + [rng.random(12).astype(np.float32)]
    columns = [rng.integers(0, 7, 21).astype(np.int32) for _ in range(2)] + [np.ones(21, np.float32)]
    check(kernel, image(rng, 3, 5, 7), rows, columns)


def test_part_of_the_image(kernel, rng):
    """Tables that leave out a border: nothing else is read."""
    x = image(rng, 2, 8, 9)
    x[:, :2], x[:, -1:], x[:, :, :2], x[:, :, -1:] = (np.nan,) * 4
    rows, columns = table(5, 11), table(6, 17)
    check(kernel, x, (rows[0] + 2, rows[1] + 2, rows[2]), (columns[0] + 2, columns[1] + 2, columns[2]))


def test_no_planes(kernel):
    check(kernel, np.zeros((0, 3, 4), np.float32), table(3, 5), table(4, 8))
