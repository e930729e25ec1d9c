"""Deconvolution kernels against float64."""

import numpy as np
import pytest

from scalpel_rt.plan.spec import Op, Value

from . import dense, harness

TESTS = ("deconv_gemm",)


def deconv_op(rng, x_shape, m, kernel, stride=(1, 1), pad=(0, 0), dilation=(1, 1), group=1, act=None, bias=True):
    n, c, h, w = x_shape
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = kernel, stride, pad, dilation
    y = Value("y", (n, m, sh * (h - 1) + dh * (kh - 1) + 1 - 2 * ph, sw * (w - 1) + dw * (kw - 1) + 1 - 2 * pw))
    attrs = dict(kh=kh, kw=kw, sh=sh, sw=sw, ph=ph, pw=pw, dh=dh, dw=dw, group=group, act=act)
    return Op("deconv", "deconv", (Value("x", x_shape),), (y,), attrs,
              dense.weights(rng, (c, m // group, kh, kw), m, act, bias))


def reference(op, x):
    """(y, bound) in float64, from the definition: every input pixel adds its value times the kernel."""
    a, w = op.attrs, op.weights["w"].astype(np.float64)
    (n, c, h, wd), (_, m, oh, ow) = x.shape, op.outputs[0].shape
    full = np.zeros((2, n, m, a["sh"] * (h - 1) + a["dh"] * (a["kh"] - 1) + 1,
                     a["sw"] * (wd - 1) + a["dw"] * (a["kw"] - 1) + 1))
    cg, mg = c // a["group"], m // a["group"]
    for g in range(a["group"]):
        ins, outs = slice(g * cg, (g + 1) * cg), slice(g * mg, (g + 1) * mg)
        for ky in range(a["kh"]):
            for kx in range(a["kw"]):
                place = (slice(None), outs, slice(ky * a["dh"], ky * a["dh"] + (h - 1) * a["sh"] + 1, a["sh"]),
                         slice(kx * a["dw"], kx * a["dw"] + (wd - 1) * a["sw"] + 1, a["sw"]))
                full[0][place] += np.einsum("cm,nchw->nmhw", w[ins, :, ky, kx], x[:, ins])
                full[1][place] += np.einsum("cm,nchw->nmhw", np.abs(w[ins, :, ky, kx]), np.abs(x[:, ins]))
    y, size = full[:, :, :, a["ph"] : a["ph"] + oh, a["pw"] : a["pw"] + ow]
    if "b" in op.weights:
        b = op.weights["b"].astype(np.float64)[:, None, None]
        y, size = y + b, size + np.abs(b)
    return dense.epilogue(op, y, dense.rounding(cg * a["kh"] * a["kw"]) * size)


def check(kernel, rng, x_shape, m, size, **shape):
    op = deconv_op(rng, x_shape, m, size, **shape)
    x = rng.standard_normal(x_shape, np.float32)
    got = dense.run(kernel, op, x)
    want, bound = reference(op, x)
    harness.assert_close(got, want, bound, f"{x_shape} -> {m}, {size} {shape}")


@pytest.mark.parametrize("size, shape", [
    ((1, 1), {}),
    ((3, 3), {}),
    ((3, 3), {"pad": (1, 1)}),
    ((2, 2), {"stride": (2, 2)}),
    ((4, 4), {"stride": (2, 2), "pad": (1, 1)}),
    ((3, 3), {"stride": (2, 2), "pad": (1, 0)}),
    ((5, 4), {"stride": (3, 2), "pad": (2, 3)}),
    ((2, 1), {"stride": (3, 2)}),
    ((16, 16), {"stride": (8, 8), "pad": (4, 4)}),
    ((3, 3), {"dilation": (2, 3)}),
    ((3, 4), {"dilation": (2, 3), "stride": (2, 2), "pad": (1, 2)}),
    ((4, 3), {"dilation": (4, 6), "stride": (6, 4), "pad": (0, 1)}),
    ((1, 7), {"stride": (1, 5), "pad": (0, 9)}),
], ids=str)
def test_windows(kernel, rng, size, shape):
    check(kernel, rng, (2, 3, 5, 6), 7, size, **shape)
    check(kernel, rng, (1, 2, 4, 37), 3, size, act=("prelu",), **shape)


@pytest.mark.parametrize("m", [1, 4, 6, 8, 9, 25])
def test_channels(kernel, rng, m):
    check(kernel, rng, (1, 17, 4, 5), m, (4, 4), stride=(2, 2), pad=(1, 1))


@pytest.mark.parametrize("group, c, m", [(3, 3, 3), (2, 6, 10), (4, 4, 8)])
def test_groups(kernel, rng, group, c, m):
    check(kernel, rng, (2, c, 5, 6), m, (4, 4), stride=(2, 2), pad=(1, 1), group=group)


@pytest.mark.parametrize("act", dense.ACTS, ids=dense.act_name)
def test_epilogues(kernel, rng, act):
    for bias in (True, False):
        check(kernel, rng, (3, 2, 4, 3), 5, (3, 3), stride=(2, 2), act=act, bias=bias)


def test_all_is_cropped(kernel, rng):
    check(kernel, rng, (1, 2, 3, 3), 2, (3, 3), pad=(2, 2))
