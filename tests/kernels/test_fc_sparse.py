"""Sparse fully connected kernels against float64."""

import numpy as np
import pytest

from scalpel_rt.plan import forms

from . import dense, harness
from .sparse import prune

TESTS = ("fc_csr", "fc_group_in", "fc_group_out")


def check(kernel, rng, n, m, k, sparsity=0.7, act=None, bias=True, change=None):
    op = dense.fc_op(rng, n, m, k, act, bias)
    op.weights["w"] = prune(rng, op.weights["w"], sparsity, kernel)
    if change:
        change(op.weights["w"])
    x = rng.standard_normal((n, k), np.float32)
    got = dense.run(kernel, op, x)
    want, bound = dense.fc_reference(op, x)
    harness.assert_close(got, want, bound, f"{n}x{m}x{k}, {sparsity}")


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8, 9, 17])
def test_batches(kernel, rng, n):
    check(kernel, rng, n, 53, 137)


@pytest.mark.parametrize("sparsity", [0, 0.5, 0.9, 0.99, 1])
def test_shares_of_zeros(kernel, rng, sparsity):
    for n in (1, 4):
        check(kernel, rng, n, 41, 203, sparsity)


@pytest.mark.parametrize("m", [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 129])
def test_outputs_at_the_tails(kernel, rng, m):
    for n in (1, 5):
        check(kernel, rng, n, m, 50)


@pytest.mark.parametrize("k", [16, 17, 18, 19, 20, 23, 24, 25, 31, 32, 33, 47, 48, 63, 65, 1000])
def test_inputs_at_the_tails(kernel, rng, k):
    for n in (1, 4):
        check(kernel, rng, n, 21, k)


def test_fewer_inputs_than_a_group(kernel, rng):
    for k in range(1, 16):
        op = dense.fc_op(rng, 1, 5, k)
        if kernel.form == "group_in" and k < kernel.group:
            assert "less than a group" in forms.find("fc", kernel.form).illegal(op, kernel)
        else:
            check(kernel, rng, 1, 5, k, 0.5)


@pytest.mark.parametrize("n", [1, 5])
def test_chunks_and_bands(kernel, rng, n):
    """So many inputs that slices take turns; the number of rows leaves a band unfilled."""
    for m, k, sparsity in ((150, 5300, 0.9), (17, 9001, 0.8), (260, 6145, 0.7)):
        check(kernel, rng, n, m, k, sparsity)


def test_rows_of_very_different_lengths(kernel, rng):
    def change(w):
        w[5] = 0
        w[len(w) // 2 :] = 0
        w[7] = rng.standard_normal(w.shape[1])
        w[:, 3] = 0

    for k in (96, 5000):
        for n in (1, 4):
            check(kernel, rng, n, 90, k, 0.5, change=change)


@pytest.mark.parametrize("act", dense.ACTS, ids=dense.act_name)
def test_epilogues(kernel, rng, act):
    for n in (1, 5):
        for bias in (True, False):
            check(kernel, rng, n, 67, 45, act=act, bias=bias)


def test_one_weight_at_each_place(kernel, rng):
    """Every element of a small matrix, alone: nothing is lost at an edge."""
    m, k = 19, 21
    x = rng.standard_normal((1, k), np.float32)
    for at in range(0, m * k, 7):
        op = dense.fc_op(rng, 1, m, k, bias=False)
        op.weights["w"] = np.zeros((m, k), np.float32)
        op.weights["w"].flat[at] = 3
        args = forms.find("fc", kernel.form).args(op, kernel)
        got = harness.run(kernel, {"x": x, **{f: a for f, a in args.items() if isinstance(a, np.ndarray)}},
                          {"y": (1, m)}, {f: a for f, a in args.items() if not isinstance(a, np.ndarray)})["y"]
        want = np.zeros((1, m), np.float32)
        want[0, at // k] = np.float32(3) * x[0, at % k]
        assert (got == want).all(), f"weight {at // k}, {at % k}"


def test_special_values_travel(kernel, rng):
    op = dense.fc_op(rng, 2, 21, 35)
    x = rng.standard_normal((2, 35), np.float32)
    x[1, 3] = np.nan
    got = dense.run(kernel, op, x)
    assert np.isfinite(got[0]).all() and np.isnan(got[1]).all()


@pytest.mark.parametrize("k", [65536, 65537, 2 * 65536 + 5])
def test_inputs_beyond_16_bits(kernel, rng, k):
    check(kernel, rng, 1, 9, k, 0.99)
