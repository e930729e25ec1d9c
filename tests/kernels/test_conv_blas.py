"""Convolutions by OpenBLAS, against float64."""

import numpy as np
import pytest

from scalpel_rt.plan import forms
from scalpel_rt.plan.forms.conv_blas import SLICE

from . import dense, harness
from .openblas import openblas  # noqa: F401

TESTS = ("conv_blas",)
pytestmark = pytest.mark.usefixtures("openblas")


def check(kernel, rng, op):
    x, *add = [rng.standard_normal(v.shape, np.float32) for v in op.inputs]
    got = dense.run(kernel, op, x, *add)
    want, bound = dense.conv_reference(op, x, *add)
    harness.assert_close(got, want, bound, str(op.inputs))


@pytest.mark.parametrize("act", dense.ACTS, ids=dense.act_name)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("add", [True, False])
def test_epilogues(kernel, rng, act, bias, add):
    check(kernel, rng, dense.conv_op(rng, (2, 3, 9, 11), 13, (3, 3), pad=(1, 1), act=act, bias=bias, add=add))


@pytest.mark.parametrize("size, shape", dense.WINDOWS, ids=str)
def test_windows(kernel, rng, size, shape):
    check(kernel, rng, dense.conv_op(rng, (2, 3, 17, 19), 9, size, **shape))


@pytest.mark.parametrize("size", [(1, 1), (3, 3)], ids=str)
@pytest.mark.parametrize("pixels", [(1, SLICE - 1), (1, SLICE), (3, SLICE // 2 + 1), (40, 41)], ids=str)
def test_slices(kernel, rng, size, pixels):
    check(kernel, rng, dense.conv_op(rng, (2, 4, *pixels), 5, size, pad=(size[0] // 2, size[1] // 2)))


@pytest.mark.parametrize("group, c, m", [(2, 6, 10), (3, 3, 3), (4, 12, 4)])
@pytest.mark.parametrize("size", [(1, 1), (3, 3)], ids=str)
def test_groups(kernel, rng, group, c, m, size):
    check(kernel, rng, dense.conv_op(rng, (2, c, 7, 9), m, size, group=group, act=("prelu",)))


def test_images_may_lie_apart(kernel, rng):
    """x, y and add may be parts of wider arrays."""
    for size in ((3, 3), (1, 1)):
        op = dense.conv_op(rng, (3, 2, 5, 5), 4, size, add=True)
        plane = op.outputs[0].size // 12
        x = rng.standard_normal((3, 5, 5, 5), np.float32)
        add = rng.standard_normal((3, 7, *op.outputs[0].shape[2:]), np.float32)
        form = forms.find("conv", kernel.form)
        args = {**form.args(op, kernel), "x_stride": 125, "y_stride": 6 * plane, "add_stride": 7 * plane}
        arrays = {k: v for k, v in args.items() if isinstance(v, np.ndarray)}
        numbers = {k: v for k, v in args.items() if not isinstance(v, np.ndarray)}
        got = harness.run(kernel, {"x": x, "add": add, **arrays}, {}, numbers,
                          inout={"y": np.zeros((3, 6, *op.outputs[0].shape[2:]), np.float32)},
                          scratch=form.scratch(op, kernel))["y"]
        want, bound = dense.conv_reference(op, x[:, :2], add[:, :4])
        harness.assert_close(got[:, :4], want, bound)
        assert not got[:, 4:].any()
