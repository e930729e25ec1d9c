"""Convolution of each channel by itself, against float64."""

import numpy as np
import pytest

from scalpel_rt.plan import forms

from . import dense, harness

TESTS = ("conv_depthwise",)


def check(kernel, rng, x_shape, size, times=1, add=False, **shape):
    op = dense.conv_op(rng, x_shape, x_shape[1] * times, size, group=x_shape[1], add=add, **shape)
    x = rng.standard_normal(x_shape, np.float32)
    other = rng.standard_normal(op.outputs[0].shape, np.float32) if add else None
    got = dense.run(kernel, op, x, other)
    want, bound = dense.conv_reference(op, x, other)
    harness.assert_close(got, want, bound, f"{x_shape}, {size} {shape}")


@pytest.mark.parametrize("size, shape", [
    ((3, 3), {"pad": (1, 1)}),
    ((3, 3), {"pad": (1, 1), "stride": (2, 2)}),
    ((5, 5), {"pad": (2, 2)}),
    ((5, 5), {"pad": (2, 2), "stride": (2, 2)}),
    ((3, 3), {"stride": (1, 2)}),
    ((3, 3), {"stride": (2, 1), "pad": (0, 2)}),
    ((3, 3), {"stride": (3, 3)}),
    ((3, 3), {"dilation": (2, 2), "pad": (2, 2)}),
    ((3, 3), {"dilation": (1, 3), "stride": (2, 2), "pad": (1, 3)}),
    ((5, 5), {"dilation": (3, 2), "stride": (1, 4), "pad": (6, 4)}),
    ((1, 1), {}),
    ((2, 2), {"stride": (2, 2)}),
    ((4, 4), {"stride": (2, 2), "pad": (1, 1)}),
    ((7, 7), {"pad": (3, 3)}),
    ((1, 9), {"pad": (0, 4)}),
    ((9, 1), {"pad": (4, 0), "stride": (5, 1)}),
    ((3, 3), {"pad": (4, 5)}),
], ids=str)
def test_windows(kernel, rng, size, shape):
    check(kernel, rng, (2, 3, 17, 19), size, **shape)
    check(kernel, rng, (1, 2, 14, 37), size, times=2, **shape)


def test_widths_at_the_tails(kernel, rng, lanes):
    for width in harness.tails(lanes)[1:]:
        for stride in (1, 2):
            check(kernel, rng, (1, 2, 5, width), (3, 3), pad=(1, 1), stride=(stride, stride))


@pytest.mark.parametrize("height", range(1, 10))
def test_heights(kernel, rng, height):
    for stride in (1, 2):
        check(kernel, rng, (1, 2, height, 9), (3, 3), pad=(1, 1), stride=(stride, stride))
        check(kernel, rng, (1, 2, height, 9), (5, 5), pad=(2, 2), stride=(stride, stride))


@pytest.mark.parametrize("act", dense.ACTS, ids=dense.act_name)
def test_epilogues(kernel, rng, act):
    for bias in (True, False):
        for add in (True, False):
            check(kernel, rng, (2, 5, 7, 11), (3, 3), pad=(1, 1), act=act, bias=bias, add=add)


def test_bands(kernel, rng):
    check(kernel, rng, (1, 2, 150, 130), (3, 3), pad=(1, 1))
    check(kernel, rng, (1, 1, 90, 200), (5, 5), pad=(2, 2), stride=(2, 2))


def test_small_planes_several_at_a_time(kernel, rng):
    for stride in (1, 2):
        for side in (3, 7, 14):
            check(kernel, rng, (2, 37, side, side), (3, 3), pad=(1, 1), stride=(stride, stride))
    check(kernel, rng, (1, 19, 7, 7), (7, 7), times=2, pad=(3, 3))


def test_what_is_not_its_work(kernel, rng):
    assert forms.find("conv", "depthwise").illegal(dense.conv_op(rng, (1, 4, 9, 9), 4, (3, 3), group=2), kernel)
