"""A constant."""

import numpy as np

from . import harness

TESTS = ("fill_plain",)


def test_tails(kernel, rng):
    for n in harness.tails(16):
        value = rng.standard_normal(n).astype(np.float32)
        got = harness.run(kernel, {"value": value}, {"y": n}, {"count": n})["y"]
        assert (harness.bits(got) == harness.bits(value)).all()


def test_every_bit_survives(kernel):
    value = np.array([0x7FC00001, 0xFF800001, 0x80000000, 1], np.uint32).view(np.float32)
    got = harness.run(kernel, {"value": value}, {"y": 4}, {"count": 4})["y"]
    assert (harness.bits(got) == harness.bits(value)).all()
