"""Convolution with 1x1 kernels and lanes along output channels, against float64."""

import numpy as np
import pytest

from scalpel_rt.plan import forms

from . import dense, harness

TESTS = ("conv_pointwise",)


def check(kernel, rng, x_shape, m, add=False, **shape):
    op = dense.conv_op(rng, x_shape, m, (1, 1), add=add, **shape)
    x = rng.standard_normal(x_shape, np.float32)
    other = rng.standard_normal(op.outputs[0].shape, np.float32) if add else None
    got = dense.run(kernel, op, x, other)
    want, bound = dense.conv_reference(op, x, other)
    harness.assert_close(got, want, bound, f"{x_shape} -> {m}, {shape}")


@pytest.mark.parametrize("pixels", range(1, 18))
def test_pixels_at_the_tails(kernel, rng, pixels):
    check(kernel, rng, (1, 3, 1, pixels), 5)
    check(kernel, rng, (2, 3, pixels, 1), 5)


def test_channels_at_the_tails(kernel, rng, lanes):
    for m in sorted({*harness.tails(lanes), *harness.tails(kernel.tile_n)} - {0}):
        check(kernel, rng, (1, 4, 3, 3), m)


@pytest.mark.parametrize("stride", [(1, 1), (2, 2), (3, 1), (1, 3), (2, 5)], ids=str)
def test_strides(kernel, rng, stride):
    for size in ((7, 7), (1, 9), (14, 13)):
        check(kernel, rng, (2, 6, *size), 19, stride=stride)


@pytest.mark.parametrize("group, c, m", [(2, 6, 10), (3, 3, 3), (5, 5, 15), (4, 12, 4), (2, 64, 130)])
def test_groups(kernel, rng, group, c, m):
    check(kernel, rng, (2, c, 4, 5), m, group=group, act=("prelu",))


@pytest.mark.parametrize("act", dense.ACTS, ids=dense.act_name)
def test_epilogues(kernel, rng, act):
    for bias in (True, False):
        for add in (True, False):
            check(kernel, rng, (2, 5, 7, 7), 50, act=act, bias=bias, add=add)


def test_many_blocks(kernel, rng):
    check(kernel, rng, (1, 700, 14, 14), 20)
    check(kernel, rng, (1, 3, 61, 67), 5)


def test_what_is_not_its_work(kernel, rng):
    illegal = forms.find("conv", "pointwise").illegal
    assert illegal(dense.conv_op(rng, (1, 4, 9, 9), 4, (1, 3)), kernel)
    assert illegal(dense.conv_op(rng, (1, 4, 9, 9), 4, (1, 1), pad=(0, 1)), kernel)
    assert illegal(dense.conv_op(rng, (1, 4, 9, 9), 4, (1, 1), stride=(2, 2)), kernel) is None
