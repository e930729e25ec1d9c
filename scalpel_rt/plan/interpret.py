"""Runs a Program in NumPy: the meaning of every kind of operation, by which kernels and passes are judged.

Each operation is worked out in float64 and rounded to float32 at its end, as its outputs are float32 values.
"""

import numpy as np

from ..layers import _functions
from ..layers._base import as_f32
from ..layers.convolution import convolve
from ..layers.deconvolution import deconvolve
from ..layers.inner_product import multiply
from ..layers.interp import resize
from ..layers.lrn import normalise
from ..layers.mvn import standardise
from ..layers.pooling import average_pool, max_mask, max_pool
from ..layers.softmax import softmax


def interpret(program, inputs):
    """The outputs of a :class:`~scalpel_rt.plan.spec.Program` for ``inputs``: two lists of arrays, in its order."""
    values = interpret_all(program, inputs)
    return [values[v] for v in program.outputs]


def interpret_all(program, inputs):
    """{Value: float32 array} of everything that the program makes; ValueError where it breaks a rule of the spec."""
    values = {v: as_f32(x) for v, x in zip(program.inputs, inputs, strict=True)}
    for v, x in values.items():
        if x.shape != v.shape:
            raise ValueError(f"input {v} is given an array of shape {x.shape}")
    for op in program.ops:
        unknown = [v for v in op.inputs if v not in values]
        if unknown:
            raise ValueError(f"{op.kind} {op.name!r} reads {unknown[0]}, which nothing has written")
        with np.errstate(all="ignore"):
            results = KINDS[op.kind](op, *(values[v] for v in op.inputs))
        for v, y in zip(op.outputs, results, strict=True):
            if v in values:
                raise ValueError(f"{op.kind} {op.name!r} writes {v}, which is there already")
            if y.shape != v.shape:
                raise ValueError(f"{op.kind} {op.name!r} makes shape {y.shape} for {v}")
            values[v] = as_f32(y)
    return values


def activate(op, y):
    """The epilogue of ``op`` on y, float64, whose channels are axis 1."""
    act = op.attrs.get("act")
    if act is None:
        return y
    fn, *p = act
    if fn == "prelu":
        return _functions.positive(y) + _along_channels(op.weights["slope"], y) * _functions.negative(y)
    if fn not in ("relu", "clip"):
        raise ValueError(f"{op.kind} {op.name!r} has the unknown activation {fn!r}")
    return _functions.apply(fn, y, *p)


def _along_channels(v, y):
    return v.astype(np.float64).reshape(-1, *[1] * (y.ndim - 2))


def _pairs(op, *names):
    """(height, width) attributes: "s" is (sh, sw)."""
    return [(op.attrs[n + "h"], op.attrs[n + "w"]) for n in names]


def _conv(op, x, add=None, transposed=False):
    stride, pad, dilation = _pairs(op, "s", "p", "d")
    w = op.weights["w"]
    if w.shape[2:] != (op.attrs["kh"], op.attrs["kw"]):
        raise ValueError(f"{op.kind} {op.name!r} has weights of shape {w.shape} for a kernel of "
                         f"{op.attrs['kh']} x {op.attrs['kw']}")
    y = (deconvolve if transposed else convolve)(x, w, stride, pad, dilation, op.attrs["group"],
                                                 op.outputs[0].shape[2:])
    if "b" in op.weights:
        y += _along_channels(op.weights["b"], y)
    if add is not None:
        y += add
    return [activate(op, y)]


def _deconv(op, x):
    return _conv(op, x, transposed=True)


def _fc(op, x):
    y = multiply(x, op.weights["w"])
    if "b" in op.weights:
        y += op.weights["b"]
    return [activate(op, y)]


def _pool(op, x):
    kernel, stride, pad = _pairs(op, "k", "s", "p")
    out = op.outputs[0].shape[2:]
    if op.attrs["method"] == "ave":
        return [average_pool(x, kernel, stride, pad, out)]
    y = max_pool(x, kernel, stride, pad, out)
    return [y] if len(op.outputs) == 1 else [y, max_mask(x, y, kernel, stride, pad)]


def _lrn(op, x):
    a = op.attrs
    return [normalise(x, a["region"] == "within", a["size"], a["alpha"], a["beta"], a["k"])]


def _softmax(op, x):
    return [softmax(x, 1)]


def _unary(op, x):
    return [_functions.apply(op.attrs["fn"], x, op.attrs["p0"], op.attrs["p1"], op.attrs["p2"])]


def _affine(op, x):
    y = x.astype(np.float64)
    if "scale" in op.weights:
        y = y * _along_channels(op.weights["scale"], y)
    if "shift" in op.weights:
        y = y + _along_channels(op.weights["shift"], y)
    return [activate(op, y)]


def _eltwise(op, a, b):
    fn, a, b = op.attrs["fn"], a.astype(np.float64), b.astype(np.float64)
    if fn == "sum":
        y = np.float32(op.attrs["ca"]) * a + np.float32(op.attrs["cb"]) * b
    else:
        y = a * b if fn == "prod" else np.where(a > b, a, b)
    return [activate(op, y)]


def _broadcast(op, x, s):
    if s.shape != (x.shape[0] if op.attrs["s_outer"] else 1, x.shape[1]):
        raise ValueError(f"broadcast {op.name!r} with s_outer {op.attrs['s_outer']} of shapes {x.shape} and {s.shape}")
    s = s[:, :, None].astype(np.float64)
    return [x * s if op.attrs["fn"] == "mul" else x + s]


def _copy(op, *xs):
    y = np.zeros(op.outputs[0].shape, np.float32)
    written = np.zeros(y.size, int)
    for part in op.attrs["parts"]:
        x_index, y_index = (part[f"{side}_offset"] + sum(
            np.arange(d).reshape(-1, *[1] * (len(part["dims"]) - i - 1)) * step
            for i, (d, step) in enumerate(zip(part["dims"], part[f"{side}_strides"], strict=True))) for side in "xy")
        np.add.at(written, y_index.ravel(), 1)
        y.reshape(-1)[y_index] = xs[part["input"]].reshape(-1)[x_index]
    if not (written == 1).all():
        raise ValueError(f"copy {op.name!r} leaves elements out or writes them twice")
    return [y]


def _reduce(op, x):
    x, fn = x.astype(np.float64), op.attrs["fn"]
    if fn in ("max", "argmax"):
        at = np.argsort(x, axis=1, kind="stable")[:, -1:]       # the last of equals; NaN sorts behind all others
        return [(at if fn == "argmax" else np.take_along_axis(x, at, 1))[:, 0]]
    return [{"sum": x, "asum": np.abs(x), "sumsq": x * x}[fn].sum(1) * np.float32(op.attrs["coeff"])]


def _mvn(op, x):
    return [standardise(x, 1, np.float32(op.attrs["eps"]) if op.attrs["variance"] else None)]


def _norm(op, x):
    x, eps = x.astype(np.float64), np.float32(op.attrs["eps"])
    squares = (x * x).sum(1, keepdims=True)
    y = x / np.sqrt(np.where(squares > eps, squares, 1) if op.attrs["guard"] else squares + eps)
    return [y * _along_channels(op.weights["scale"], y) if "scale" in op.weights else y]


def _interp(op, x):
    return [resize(x, *([op.weights[f"{axis}_{name}"] for name in ("low", "high", "part")] for axis in "yx"))]


def _scatter(op, x, mask):
    y = np.zeros(op.outputs[0].shape, np.float32)
    for row, values, places in zip(y, x, mask, strict=True):
        inside = (places > -1) & (places < len(row))
        row[places[inside].astype(np.int64)] = values[inside]
    return [y]


def _view(op, x):
    return [x.reshape(op.outputs[0].shape)]


def _fill(op):
    return [op.weights["value"]]


KINDS = {"conv": _conv, "deconv": _deconv, "fc": _fc, "pool": _pool, "lrn": _lrn, "softmax": _softmax, "unary": _unary,
         "affine": _affine, "eltwise": _eltwise, "broadcast": _broadcast, "copy": _copy, "view": _view, "fill": _fill,
         "reduce": _reduce, "mvn": _mvn, "norm": _norm, "interp": _interp, "scatter": _scatter}
