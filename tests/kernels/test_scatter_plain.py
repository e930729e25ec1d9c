"""Unpooling by a mask."""

import numpy as np

from . import harness

TESTS = ("scatter_plain",)


def check(kernel, x, mask, size):
    planes, count = x.shape
    want = np.zeros((planes, size), np.float32)
    for p in range(planes):
        for value, place in zip(x[p], mask[p], strict=True):
            if -1 < place < size and int(place) < size:
                want[p, int(place)] = value
    numbers = {"planes": planes, "count": count, "size": size}
    got = harness.run(kernel, {"x": x, "mask": mask}, {"y": want.shape}, numbers)
    assert (harness.bits(got["y"]) == harness.bits(want)).all()


def test_places(kernel, rng):
    for planes, count, size in ((1, 1, 1), (3, 12, 48), (5, 7, 8), (2, 30, 30), (4, 9, 5)):
        check(kernel, rng.standard_normal((planes, count)).astype(np.float32),
              rng.integers(0, size, (planes, count)).astype(np.float32), size)


def test_the_last_of_two_stays(kernel):
    check(kernel, np.array([[1, 2, 3]], np.float32), np.array([[4, 4, 0]], np.float32), 6)


def test_what_is_no_place_is_left_out(kernel):
    mask = np.array([[-1, -0.5, 6, 5.9, np.nan, np.inf, -np.inf, 3e38, 1]], np.float32)
    check(kernel, np.arange(1, 10, dtype=np.float32)[None], mask, 6)


def test_empty(kernel):
    check(kernel, np.zeros((0, 3), np.float32), np.zeros((0, 3), np.float32), 4)
    check(kernel, np.zeros((2, 0), np.float32), np.zeros((2, 0), np.float32), 4)
