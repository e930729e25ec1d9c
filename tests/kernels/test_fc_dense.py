"""Dense fully connected kernels against float64."""

import numpy as np
import pytest

from . import dense, harness

TESTS = ("fc_dense",)


def check(kernel, rng, n, m, k, act=None, bias=True):
    op = dense.fc_op(rng, n, m, k, act, bias)
    x = rng.standard_normal((n, k), np.float32)
    got = dense.run(kernel, op, x)
    want, bound = dense.fc_reference(op, x)
    harness.assert_close(got, want, bound, f"{n}x{m}x{k}")


@pytest.mark.parametrize("n", [1, 2, 3, 5, 7, 8, 9, 17])
def test_batches(kernel, rng, n):
    check(kernel, rng, n, 53, 37)


def test_outputs_at_the_tails(kernel, rng, lanes):
    t = kernel.tile_n
    for m in sorted({*harness.tails(lanes), t - 1, t, t + 1, 2 * t, 4 * t - 1, 4 * t, 4 * t + 1, 9 * t + 5} - {0}):
        for n in (1, 3):
            check(kernel, rng, n, m, 11)


def test_inputs_at_the_tails(kernel, rng):
    for k in (1, 2, 3, 4, 5, 11, 12, 13, 24, 25, 127, 1000):
        for n in (1, 4):
            check(kernel, rng, n, 19, k)


@pytest.mark.parametrize("act", dense.ACTS, ids=dense.act_name)
def test_epilogues(kernel, rng, act):
    for n in (1, 5):
        check(kernel, rng, n, 67, 23, act)
        check(kernel, rng, n, 67, 23, act, bias=False)


def test_special_values_travel(kernel, rng):
    op = dense.fc_op(rng, 2, 21, 5, None, True)
    x = rng.standard_normal((2, 5), np.float32)
    x[1, 3] = np.nan
    got = dense.run(kernel, op, x)
    assert np.isfinite(got[0]).all() and np.isnan(got[1]).all()
