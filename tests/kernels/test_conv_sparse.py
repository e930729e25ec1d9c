"""Sparse convolution kernels against float64."""

import numpy as np
import pytest

from scalpel_rt.plan import forms

from . import dense, harness
from .sparse import prune

TESTS = ("conv_csr", "conv_group_in", "conv_group_out")


def check(kernel, rng, x_shape, m, size, sparsity=0.6, add=False, **shape):
    op = dense.conv_op(rng, x_shape, m, size, add=add, **shape)
    if forms.find("conv", kernel.form).illegal(op, kernel):
        assert kernel.form == "group_in" and op.weights["w"][0].size < kernel.group
        return
    op.weights["w"] = prune(rng, op.weights["w"], sparsity, kernel, op.attrs["group"])
    x = rng.standard_normal(x_shape, np.float32)
    other = rng.standard_normal(op.outputs[0].shape, np.float32) if add else None
    got = dense.run(kernel, op, x, other)
    want, bound = dense.conv_reference(op, x, other)
    harness.assert_close(got, want, bound, f"{x_shape} -> {m}, {size} {shape}")


@pytest.mark.parametrize("size, shape", dense.WINDOWS, ids=str)
def test_windows(kernel, rng, size, shape):
    check(kernel, rng, (2, 3, 17, 19), 9, size, **shape)


def test_pixels_at_the_tails(kernel, rng, lanes):
    for width in sorted({*harness.tails(lanes), 3 * lanes, 6 * lanes + 1} - {0}):
        check(kernel, rng, (1, 17, 1, width), 5, (1, 1))
        check(kernel, rng, (1, 7, 2, width), 5, (1, 3), pad=(0, 1))


def test_wide_images_are_cut_at_rows(kernel, rng):
    """The copy with one start, where every output row is a run."""
    for width in (64, 65, 67, 79, 100):
        check(kernel, rng, (1, 3, 4, width), 40, (3, 3), 0.2, pad=(1, 1))


@pytest.mark.parametrize("m", [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33])
def test_channels_at_the_tails(kernel, rng, m):
    check(kernel, rng, (1, 3, 5, 7), m, (3, 3), pad=(1, 1))


def test_more_channels_than_a_block(kernel, rng):
    for m in (kernel.tile_m + 3, 2 * kernel.tile_m):
        check(kernel, rng, (1, 16, 3, 3), m, (1, 1), 0.8)


@pytest.mark.parametrize("c", [1, 2, 3, 4, 5, 15, 16, 17, 33, 130])
def test_input_channels(kernel, rng, c):
    check(kernel, rng, (1, c, 6, 6), 5, (3, 3), pad=(1, 1))
    check(kernel, rng, (1, c, 6, 6), 5, (1, 1))


@pytest.mark.parametrize("sparsity", [0, 0.5, 0.9, 0.99, 1])
def test_shares_of_zeros(kernel, rng, sparsity):
    check(kernel, rng, (1, 20, 9, 9), 19, (3, 3), sparsity, pad=(1, 1))
    check(kernel, rng, (2, 40, 9, 9), 19, (1, 1), sparsity)


@pytest.mark.parametrize("group, c, m", [(2, 6, 10), (3, 3, 3), (5, 5, 15), (4, 12, 4), (2, 40, 36)])
def test_groups(kernel, rng, group, c, m):
    check(kernel, rng, (2, c, 7, 9), m, (3, 3), pad=(1, 1), group=group, act=("prelu",))
    check(kernel, rng, (2, c, 7, 9), m, (1, 1), group=group, act=("prelu",))


@pytest.mark.parametrize("act", dense.ACTS, ids=dense.act_name)
def test_epilogues(kernel, rng, act):
    for bias in (True, False):
        for add in (True, False):
            check(kernel, rng, (2, 17, 9, 11), 13, (1, 1), act=act, bias=bias, add=add)
            check(kernel, rng, (2, 3, 9, 11), 13, (3, 3), pad=(1, 1), act=act, bias=bias, add=add)


def test_many_blocks(kernel, rng):
    check(kernel, rng, (1, 2, 61, 67), 3, (3, 3), pad=(1, 1))
    check(kernel, rng, (1, 300, 20, 29), 20, (3, 3), 0.95)
    check(kernel, rng, (3, 20, 8, 9), 150, (3, 3), 0.9)


def test_rows_of_very_different_lengths(kernel, rng):
    op = dense.conv_op(rng, (1, 9, 8, 8), 50, (3, 3), pad=(1, 1))
    w = prune(rng, op.weights["w"], 0.7, kernel)
    w[3:20] = 0
    w[33] = rng.standard_normal(w[33].shape)
    w[:, 5] = 0
    op.weights["w"] = w
    x = rng.standard_normal((1, 9, 8, 8), np.float32)
    want, bound = dense.conv_reference(op, x)
    harness.assert_close(dense.run(kernel, op, x), want, bound)


def test_images_may_lie_apart(kernel, rng):
    """x, y and add may be parts of wider arrays."""
    op = dense.conv_op(rng, (3, 2, 5, 5), 4, (3, 3), add=True)
    x, add = rng.standard_normal((3, 5, 5, 5), np.float32), rng.standard_normal((3, 7, 3, 3), np.float32)
    wide = np.zeros((3, 6, 3, 3), np.float32)
    form = dense.forms.find("conv", kernel.form)
    args = {**form.args(op, kernel), "x_stride": 125, "y_stride": 54, "add_stride": 63}
    arrays = {k: v for k, v in args.items() if isinstance(v, np.ndarray)}
    numbers = {k: v for k, v in args.items() if not isinstance(v, np.ndarray)}
    got = harness.run(kernel, {"x": x, "add": add, **arrays}, {}, numbers, inout={"y": wide},
                      scratch=form.scratch(op, kernel))["y"]
    want, bound = dense.conv_reference(op, x[:, :2], add[:, :4])
    harness.assert_close(got[:, :4], want, bound)
    assert not got[:, 4:].any()


def test_special_values_travel(kernel, rng):
    op = dense.conv_op(rng, (1, 16, 5, 5), 3, (3, 3), pad=(1, 1))
    x = rng.standard_normal((1, 16, 5, 5), np.float32)
    x[0, 1, 0, 0] = np.nan
    got = dense.run(kernel, op, x)
    assert np.isnan(got[0, :, :2, :2]).all()
    assert np.isfinite(got[0, :, 2:]).all() and np.isfinite(got[0, :, :, 2:]).all()
