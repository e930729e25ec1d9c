"""Convolution kernels that take any convolution, against float64."""

import numpy as np
import pytest

from . import dense, harness

TESTS = ("conv_gemm",)


def check(kernel, rng, x_shape, m, size, add=False, **shape):
    op = dense.conv_op(rng, x_shape, m, size, add=add, **shape)
    x = rng.standard_normal(x_shape, np.float32)
    other = rng.standard_normal(op.outputs[0].shape, np.float32) if add else None
    got = dense.run(kernel, op, x, other)
    want, bound = dense.conv_reference(op, x, other)
    harness.assert_close(got, want, bound, f"{x_shape} -> {m}, {size} {shape}")


@pytest.mark.parametrize("size, shape", dense.WINDOWS, ids=str)
def test_windows(kernel, rng, size, shape):
    check(kernel, rng, (2, 3, 17, 19), 9, size, **shape)


def test_pixels_at_the_tails(kernel, rng, lanes):
    for width in sorted({*harness.tails(lanes), kernel.tile_n - 1, kernel.tile_n, kernel.tile_n + 1} - {0}):
        check(kernel, rng, (1, 2, 1, width), 3, (1, 1))
        check(kernel, rng, (1, 2, 2, width), 3, (1, 3), pad=(0, 1))


@pytest.mark.parametrize("m", [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 16, 17, 25])
def test_channels_at_the_tails(kernel, rng, m):
    check(kernel, rng, (1, 3, 5, 7), m, (3, 3), pad=(1, 1))


@pytest.mark.parametrize("c", [1, 2, 15, 16, 17, 33])
def test_input_channels(kernel, rng, c):
    check(kernel, rng, (1, c, 6, 6), 5, (3, 3), pad=(1, 1))


@pytest.mark.parametrize("x_shape, size", [((5, 3, 2, 3), (1, 1)), ((7, 2, 4, 4), (3, 3)), ((3, 4, 1, 1), (1, 1)),
                                           ((4, 2, 9, 9), (2, 2))], ids=str)
def test_a_tile_may_span_images(kernel, rng, x_shape, size):
    for act in dense.ACTS:
        check(kernel, rng, x_shape, 7, size, act=act)
        check(kernel, rng, x_shape, 7, size, act=act, add=True)


@pytest.mark.parametrize("group, c, m", [(2, 6, 10), (3, 3, 3), (5, 5, 15), (4, 12, 4)])
def test_groups(kernel, rng, group, c, m):
    check(kernel, rng, (2, c, 7, 9), m, (3, 3), pad=(1, 1), group=group, act=("prelu",))


@pytest.mark.parametrize("act", dense.ACTS, ids=dense.act_name)
def test_epilogues(kernel, rng, act):
    for bias in (True, False):
        for add in (True, False):
            check(kernel, rng, (2, 3, 9, 11), 13, (3, 3), pad=(1, 1), act=act, bias=bias, add=add)


def test_many_blocks(kernel, rng):
    check(kernel, rng, (1, 2, 61, 67), 3, (3, 3), pad=(1, 1))
    check(kernel, rng, (1, 40, 23, 29), 20, (3, 3))


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
