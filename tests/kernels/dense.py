"""Operations for the tests of conv and fc kernels, their float64 references and error bounds."""

import numpy as np

from scalpel_rt.plan import forms
from scalpel_rt.plan.forms._winograd import transforms
from scalpel_rt.plan.spec import Op, Value

from . import harness

ACTS = [None, ("relu", 0.0, 0.0), ("relu", 0.1, 0.0), ("clip", -0.25, 0.5), ("prelu",)]
#: (kernel, the rest of the geometry) of convolutions that any kernel has to get right
WINDOWS = [
    ((1, 1), {}),
    ((3, 3), {"pad": (1, 1)}),
    ((3, 3), {}),
    ((5, 5), {"pad": (2, 2)}),
    ((1, 7), {"pad": (0, 3)}),
    ((7, 1), {"pad": (3, 0)}),
    ((2, 4), {"pad": (1, 2), "stride": (2, 1)}),
    ((1, 1), {"stride": (2, 2)}),
    ((1, 1), {"pad": (1, 2)}),
    ((3, 3), {"stride": (2, 2), "pad": (1, 1)}),
    ((7, 7), {"stride": (2, 2), "pad": (3, 3)}),
    ((11, 11), {"stride": (4, 4)}),
    ((3, 2), {"stride": (3, 5), "pad": (2, 1)}),
    ((3, 3), {"dilation": (2, 3), "pad": (2, 3)}),
    ((3, 3), {"dilation": (2, 2), "stride": (2, 2), "pad": (4, 4)}),
    ((2, 2), {"dilation": (3, 5), "stride": (2, 3), "pad": (4, 4)}),
    ((3, 3), {"pad": (5, 5)}),
]


def act_name(act):
    return "none" if act is None else "_".join(map(str, act))


def weights(rng, shape, m, act, bias):
    found = {"w": rng.standard_normal(shape, np.float32)}
    if bias:
        found["b"] = rng.standard_normal(m, np.float32)
    if act and act[0] == "prelu":
        found["slope"] = rng.uniform(-0.5, 0.5, m).astype(np.float32)
    return found


def fc_op(rng, n, m, k, act=None, bias=True):
    return Op("fc", "fc", (Value("x", (n, k)),), (Value("y", (n, m)),), {"act": act},
              weights(rng, (m, k), m, act, bias))


def conv_op(rng, x_shape, m, kernel, stride=(1, 1), pad=(0, 0), dilation=(1, 1), group=1, act=None, bias=True,
            add=False):
    n, c, h, w = x_shape
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = kernel, stride, pad, dilation
    oh, ow = (h + 2 * ph - dh * (kh - 1) - 1) // sh + 1, (w + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    y = Value("y", (n, m, oh, ow))
    inputs = (Value("x", x_shape), Value("add", y.shape)) if add else (Value("x", x_shape),)
    attrs = dict(kh=kh, kw=kw, sh=sh, sw=sw, ph=ph, pw=pw, dh=dh, dw=dw, group=group, act=act)
    return Op("conv", "conv", inputs, (y,), attrs, weights(rng, (m, c // group, kh, kw), m, act, bias))


def run(kernel, op, x, add=None, **changes):
    """The kernel's output for ``op``, by way of its form and the harness; ``changes`` replace args."""
    form = forms.find(op.kind, kernel.form)
    assert form.illegal(op, kernel) is None
    args = {**form.args(op, kernel), **changes}
    arrays = {name: value for name, value in args.items() if isinstance(value, np.ndarray)}
    numbers = {name: value for name, value in args.items() if not isinstance(value, np.ndarray)}
    if add is not None:
        arrays["add"] = add
    return harness.run(kernel, {"x": x, **arrays}, {"y": op.outputs[0].shape}, numbers,
                       scratch=form.scratch(op, kernel))["y"]


def epilogue(op, y, bound, channel_axis=1):
    """(y after the activation, the bound after it) in float64."""
    act = op.attrs["act"] or (None,)
    shape = [1] * y.ndim
    shape[channel_axis] = -1
    if act[0] == "clip":
        return np.clip(y, act[1], act[2]), bound
    if act[0]:
        slope = op.weights["slope"].astype(np.float64).reshape(shape) if act[0] == "prelu" else act[1]
        y = np.where(y < 0, slope * y, y)
    return y, bound


def fc_reference(op, x):
    """(y, bound) in float64: bound = c eps |x||w|."""
    w, b = op.weights["w"].astype(np.float64), op.weights.get("b", np.zeros(len(op.weights["w"]), np.float32))
    y, size = x @ w.T + b, np.abs(x) @ np.abs(w).T + np.abs(b)
    return epilogue(op, y, rounding(w.shape[1]) * size)


def conv_reference(op, x, add=None):
    """(y, bound) in float64, from the definition: one product for each place of the kernel."""
    a, w = op.attrs, op.weights["w"].astype(np.float64)
    n, m, oh, ow = op.outputs[0].shape
    padded = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (a["ph"], a["ph"]), (a["pw"], a["pw"])))
    y, size = np.zeros((n, m, oh, ow)), np.zeros((n, m, oh, ow))
    cg, mg = w.shape[1], m // a["group"]
    for g in range(a["group"]):
        part = slice(g * mg, (g + 1) * mg)
        for ky in range(a["kh"]):
            for kx in range(a["kw"]):
                iy, ix = ky * a["dh"], kx * a["dw"]
                seen = padded[:, g * cg : (g + 1) * cg, iy : iy + (oh - 1) * a["sh"] + 1 : a["sh"],
                              ix : ix + (ow - 1) * a["sw"] + 1 : a["sw"]]
                y[:, part] += np.einsum("mc,nchw->nmhw", w[part, :, ky, kx], seen)
                size[:, part] += np.einsum("mc,nchw->nmhw", np.abs(w[part, :, ky, kx]), np.abs(seen))
    for extra in (op.weights.get("b"), add):
        if extra is not None:
            extra = extra.astype(np.float64)
            extra = extra[:, None, None] if extra.ndim == 1 else extra
            y, size = y + extra, size + np.abs(extra)
    return epilogue(op, y, rounding(w[0].size) * size)


def winograd_bound(op, x, form, add=None):
    """How far Winograd's outputs may be off: the sizes of all terms, followed through the transforms."""
    a, w = op.attrs, op.weights["w"]
    n, m, oh, ow = op.outputs[0].shape
    out_t, g_t, in_t = transforms(form.out, form.size)
    down, across, size = -(-oh // form.out), -(-ow // form.out), len(in_t)
    rows, columns = (down - 1) * form.out + size, (across - 1) * form.out + size
    padded = np.zeros((n, x.shape[1], max(rows, x.shape[2] + a["ph"]), max(columns, x.shape[3] + a["pw"])))
    padded[:, :, a["ph"] : a["ph"] + x.shape[2], a["pw"] : a["pw"] + x.shape[3]] = np.abs(x)
    tiles = np.lib.stride_tricks.sliding_window_view(padded, (size, size), (2, 3))[:, :, : rows, : columns]
    tiles = tiles[:, :, : (down - 1) * form.out + 1 : form.out, : (across - 1) * form.out + 1 : form.out]
    tiles = np.abs(in_t) @ tiles @ np.abs(in_t).T                       # n, c, down, across, in, in
    kernels = np.abs(g_t @ w.astype(np.float64) @ g_t.T)                # m, c/group, in, in
    y = np.empty((n, m, down, across, form.out, form.out))
    cg, mg = w.shape[1], m // a["group"]
    for g in range(a["group"]):
        sums = np.einsum("mcij,nctuij->nmtuij", kernels[g * mg : (g + 1) * mg], tiles[:, g * cg : (g + 1) * cg])
        y[:, g * mg : (g + 1) * mg] = np.abs(out_t) @ sums @ np.abs(out_t).T
    y = y.transpose(0, 1, 2, 4, 3, 5).reshape(n, m, down * form.out, across * form.out)[:, :, :oh, :ow]
    for extra in (op.weights.get("b"), add):
        if extra is not None:
            y = y + np.abs(extra.astype(np.float64).reshape(-1, 1, 1) if extra.ndim == 1 else extra)
    return (8 + np.sqrt(cg)) * harness.EPS * y


def rounding(k):
    """Share of |a|@|b| that a float32 sum of k products may be off: random errors grow with the root of k."""
    return (3 + np.sqrt(k)) * harness.EPS
