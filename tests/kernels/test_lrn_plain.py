"""Local response normalisation, across channels and within them."""

import numpy as np
import pytest

from . import harness

TESTS = ("lrn_plain",)


def reference(x, size, within, alpha, beta, k):
    """y in float64, for alpha, beta and k as the float32 that the kernel is given."""
    alpha, beta, k = (float(np.float32(v)) for v in (alpha, beta, k))
    n, c, h, w = x.shape
    squares, none, some = x.astype(np.float64) ** 2, (0, 0), ((size - 1) // 2,) * 2
    if within:
        squares = np.pad(squares, (none, none, some, some))
        total = sum(squares[:, :, i : i + h, j : j + w] for i in range(size) for j in range(size))
        base = 1 + alpha / size**2 * total
    else:
        squares = np.pad(squares, (none, some, none, none))
        base = k + alpha / size * sum(squares[:, i : i + c] for i in range(size))
    return x * base**-beta


def run(kernel, x, size, within, alpha, beta, k):
    n, c, h, w = x.shape
    numbers = {"n": n, "c": c, "h": h, "wd": w, "size": size, "within": within, "alpha": alpha, "beta": beta, "k": k}
    return harness.run(kernel, {"x": x}, {"y": x.shape}, numbers, scratch=w + size if within else 0)["y"]


def check(kernel, x, size, within=0, alpha=0.0001, beta=0.75, k=1.0):
    got = run(kernel, x, size, within, alpha, beta, k)
    with np.errstate(all="ignore"):
        want = reference(x, size, within, alpha, beta, k)
        # the base is exact to about `size` roundings, and a power makes beta of each
        bound = (6 + abs(beta) * (size + 6)) * harness.EPS * np.nan_to_num(np.abs(want), posinf=0) + 1e-44
    harness.assert_close(got, want, bound, f"size {size}, within {within}, beta {beta}, {x.shape}")


def image(rng, *shape):
    return (rng.standard_normal(shape) * 40).astype(np.float32)


@pytest.mark.parametrize("within", [0, 1])
@pytest.mark.parametrize("size", [1, 3, 5, 7, 11])
def test_tails(kernel, rng, lanes, size, within):
    for w in [t for t in harness.tails(lanes) if t]:
        check(kernel, image(rng, 2, 6, 3, w), size, within)


@pytest.mark.parametrize("within", [0, 1])
@pytest.mark.parametrize("beta", [0.75, 0.5, 1.0, 0.6, 2.5, 0.0, -0.5])
def test_exponents(kernel, rng, beta, within):
    check(kernel, image(rng, 1, 9, 7, 13), 5, within, 0.05, beta)


@pytest.mark.parametrize("k", [1.0, 2.0, 0.1])
def test_k_counts_across_channels_only(kernel, rng, k):
    check(kernel, image(rng, 1, 9, 7, 13), 5, 0, 1e-4, 0.75, k)
    check(kernel, image(rng, 1, 9, 7, 13), 5, 1, 1e-4, 0.75, k)


@pytest.mark.parametrize("within", [0, 1])
def test_windows_larger_than_the_tensor(kernel, rng, within):
    check(kernel, image(rng, 2, 3, 4, 5), 21, within, 1.0)
    check(kernel, image(rng, 1, 1, 1, 1), 5, within, 1.0)


@pytest.mark.parametrize("within", [0, 1])
def test_more_channels_and_pixels_than_a_block(kernel, rng, within):
    check(kernel, image(rng, 1, 67, 1, 700), 5, within, 0.001)
    check(kernel, image(rng, 1, 2, 3, 1300), 5, within, 0.001)


def test_a_large_value_leaves_no_trace(kernel, rng):
    """A sum that is kept running by adding and taking away would carry the rounding of 1e6 squared along."""
    x = image(rng, 1, 24, 2, 40)
    x[:, 5] = 1e6
    check(kernel, x, 5, 0, 1.0)
    check(kernel, np.ascontiguousarray(x.transpose(0, 2, 1, 3)), 5, 1, 1.0)


@pytest.mark.parametrize("within", [0, 1])
@pytest.mark.parametrize("beta", [0.75, 0.6])
def test_extremes(kernel, rng, within, beta):
    """Bases far from 1 have the same powers, NaN stays in its window."""
    x = image(rng, 1, 9, 3, 45)
    x[0, 4, 2, 20] = np.nan
    x[0, 6, 0, 30] = 1e17
    x[0, 1, 1, 40] = -1e-30
    check(kernel, x, 3, within, 1.0, beta)
    check(kernel, np.zeros((1, 3, 2, 19), np.float32), 3, within, 1.0, beta, 1e-30)
    check(kernel, (x * 1e-17).astype(np.float32), 3, within, 1e10, beta, 0.0)


@pytest.mark.parametrize("within", [0, 1])
@pytest.mark.parametrize("beta", [0.75, 0.6])
def test_squares_that_overflow(kernel, rng, within, beta):
    """In float32 they make 0 of the outputs around, which in truth are next to nothing; never NaN."""
    x = image(rng, 1, 3, 5, 30)
    x[0, 1, 2, 7] = 1e25
    want = reference(x, 3, within, 1.0, beta, 1.0)
    got = run(kernel, x, 3, within, 1.0, beta, 1.0)
    lost = got == 0
    assert lost.sum() <= 9 and np.abs(want[lost]).max(initial=0) < 1e-2
    harness.assert_close(np.where(lost, 0, got), np.where(lost, 0, want), 1e-5 * np.abs(want))
