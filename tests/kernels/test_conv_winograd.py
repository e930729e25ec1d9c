"""Winograd's convolution against float64, within the bound that its transforms imply."""

import numpy as np
import pytest

from scalpel_rt.plan import forms
from scalpel_rt.plan.forms._winograd import transforms

from . import dense, harness

TESTS = ("conv_winograd23", "conv_winograd43", "conv_winograd25")


def check(kernel, rng, x_shape, m, add=False, **shape):
    form = forms.find("conv", kernel.form)
    op = dense.conv_op(rng, x_shape, m, (form.size, form.size), add=add, **shape)
    x = rng.standard_normal(x_shape, np.float32)
    other = rng.standard_normal(op.outputs[0].shape, np.float32) if add else None
    got = dense.run(kernel, op, x, other)
    want, _ = dense.conv_reference(op, x, other)
    harness.assert_close(got, want, dense.winograd_bound(op, x, form, other), f"{x_shape} -> {m} {shape}")


@pytest.mark.parametrize("height", [5, 6, 7, 8, 9, 14])
def test_sizes(kernel, rng, height):
    for width in (5, 6, 7, 8, 13, 28, 31, 33, 67, 70):
        check(kernel, rng, (1, 2, height, width), 3, pad=(1, 1))


@pytest.mark.parametrize("pad", [(0, 0), (1, 1), (2, 2), (0, 3), (7, 1)], ids=str)
def test_padding(kernel, rng, pad):
    check(kernel, rng, (2, 3, 11, 19), 5, pad=pad)
    check(kernel, rng, (1, 3, 12, 40), 5, pad=pad)


def test_one_row_of_outputs(kernel, rng):
    size = forms.find("conv", kernel.form).size
    for width in (size, size + 1, 130):
        check(kernel, rng, (1, 2, size, width), 3)
        check(kernel, rng, (2, 2, width, size), 3)


def test_an_image_smaller_than_the_kernel(kernel, rng):
    for h, w in ((1, 1), (1, 9), (2, 3)):
        check(kernel, rng, (2, 2, h, w), 3, pad=(2, 2))


@pytest.mark.parametrize("m", [1, 2, 5, 7, 8, 9, 13, 33, 67])
def test_channels(kernel, rng, m):
    check(kernel, rng, (1, 3, 9, 9), m, pad=(1, 1))


@pytest.mark.parametrize("c", [1, 2, 17, 40])
def test_input_channels(kernel, rng, c):
    check(kernel, rng, (1, c, 9, 9), 4, pad=(1, 1))


@pytest.mark.parametrize("group", [2, 3])
def test_groups(kernel, rng, group):
    check(kernel, rng, (2, 2 * group, 8, 10), 5 * group, pad=(1, 1), group=group)


@pytest.mark.parametrize("act", dense.ACTS, ids=dense.act_name)
def test_epilogues(kernel, rng, act):
    for bias in (True, False):
        for add in (True, False):
            check(kernel, rng, (2, 3, 7, 15), 5, pad=(1, 1), act=act, bias=bias, add=add)


@pytest.mark.parametrize("x_shape", [(9, 2, 6, 6), (5, 3, 14, 14), (1, 4, 56, 56), (2, 2, 61, 5)], ids=str)
def test_blocks_span_rows_and_images(kernel, rng, x_shape):
    check(kernel, rng, x_shape, 3, pad=(1, 1), add=True)


def test_what_is_not_its_work(kernel, rng):
    form = forms.find("conv", kernel.form)
    size = (form.size, form.size)
    legal = dense.conv_op(rng, (1, 2, 9, 9), 2, size)
    assert form.illegal(legal, kernel) is None and not form.exact
    for change in ({"stride": (2, 1)}, {"dilation": (1, 2)}):
        assert form.illegal(dense.conv_op(rng, (1, 2, 19, 19), 2, size, **change), kernel)
    assert form.illegal(dense.conv_op(rng, (1, 2, 9, 9), 2, (form.size, 1)), kernel)


@pytest.mark.parametrize("out, size", [(2, 3), (4, 3), (2, 5)])
def test_transforms_are_exact(rng, out, size):
    a, g, b = transforms(out, size)
    d, k = rng.standard_normal(out + size - 1), rng.standard_normal(size)
    assert np.allclose(a @ ((g @ k) * (b @ d)), np.correlate(d, k, "valid"), rtol=0, atol=1e-14)
