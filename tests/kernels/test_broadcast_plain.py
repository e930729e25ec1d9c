"""A tensor and one computed number for each channel."""

import numpy as np
import pytest

from scalpel_rt.runtime import _kernels

from . import harness

TESTS = ("broadcast_plain",)


def check(kernel, rng, fn, s_outer, shape):
    outer, c, inner = shape
    x = rng.standard_normal(shape).astype(np.float32)
    s = rng.standard_normal((outer if s_outer else 1, c)).astype(np.float32)
    if x.size:
        x.flat[:: 5] = np.resize(np.array([np.nan, np.inf, -0.0], np.float32), x.flat[::5].shape)
    numbers = {"outer": outer, "c": c, "inner": inner, "s_outer": s_outer, "fn": _kernels.functions()[fn]}
    got = harness.run(kernel, {"x": x, "s": s}, {"y": shape}, numbers)["y"]
    with np.errstate(invalid="ignore"):
        want = x * s[:, :, None] if fn == "mul" else x + s[:, :, None]
    harness.assert_same(got, want, f"{fn} {shape}")
    for source in ("x", "s") if s.size == x.size else ("x",):
        in_place = harness.run(kernel, {"x": x, "s": s}, {"y": shape}, numbers, alias={"y": source})["y"].reshape(shape)
        assert (harness.bits(in_place) == harness.bits(got)).all(), f"{fn} {shape} onto {source}"


@pytest.mark.parametrize("s_outer", [0, 1])
@pytest.mark.parametrize("fn", ["mul", "add"])
def test_pixels(kernel, rng, lanes, fn, s_outer):
    for inner in harness.tails(lanes):
        check(kernel, rng, fn, s_outer, (2, 3, inner))


@pytest.mark.parametrize("s_outer", [0, 1])
@pytest.mark.parametrize("fn", ["mul", "add"])
def test_channels(kernel, rng, lanes, fn, s_outer):
    for c in harness.tails(lanes):
        check(kernel, rng, fn, s_outer, (3, c, 1))
