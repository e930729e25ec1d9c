"""Kernels alone, on one thread: against other libraries' on the layers that count, and every one by itself.

    pytest benchmarks/bench_kernels.py -k rivals --benchmark-json rivals.json
    python -m benchmarks.ratios rivals.json
"""

import functools
from dataclasses import dataclass

import numpy as np
import pytest

from scalpel_rt import isa, peers
from scalpel_rt.options import Options
from scalpel_rt.plan import forms
from scalpel_rt.plan.candidates import candidates
from scalpel_rt.plan.interpret import interpret
from scalpel_rt.plan.spec import Op, Program, Value
from scalpel_rt.profile import peaks
from scalpel_rt.runtime import _kernels

from .harness import MARK, OneKernel, close_to, measure, rates, record, rival
from .layer_shapes import Shape

pytestmark = MARK
LEVEL = isa.runnable()[-1]


# -- against rivals ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Work:
    """A layer at a sparsity, one of our formats for it, and the ratios that we aim at: over SciPy's CSR, MKL's CSR, the
    best dense library; ``bound`` is the share of the machine's bound."""

    name: str
    shape: Shape
    zeros: float
    form: str
    aims: dict

    def __str__(self):
        return f"{self.name}, {100 * self.zeros:.0f} % zeros, {self.form}"


def _fc(m, k):
    return Shape(f"fc {m}x{k}", (1, k), (m,))


ALEX2 = Shape("conv 128x1200x729", (1, 48, 27, 27), (128, 27, 27), (5, 5), pad=(2, 2))
LENET2 = Shape("conv 50x500x64", (1, 20, 12, 12), (50, 8, 8), (5, 5))
WORKS = [Work(shape.name, shape, zeros, form, dict(zip(("scipy_csr", "mkl_csr", "dense", "bound"), aims, strict=True)))
         for shape, zeros, form, *aims in [
    (_fc(4096, 9216), 0.9, "group_in", 8, 4.5, 12, 0.7),
    (_fc(4096, 9216), 0.7, "group_in", None, None, None, 0.8),
    (_fc(4096, 4096), 0.9, "group_in", 11, 4.5, 20, 0.75),
    (_fc(1000, 4096), 0.9, "group_in", 11, 4, 9, 0.75),
    (_fc(300, 784), 0.7, "group_in", 12, 4, 2.2, None),
    (_fc(1000, 4096), 0.9, "csr", 3, 1.1, 2.4, None),
    (ALEX2, 0.9, "group_out", 5.5, 5.5, 8.5, 0.85),
    (ALEX2, 0.9, "group_in", 3.5, 3.5, 5, 0.6),
    (ALEX2, 0.9, "csr", 4.5, 4.5, 4.2, 0.5),
    (ALEX2, 0.5, "group_out", 6, None, 1.8, 0.85),
    (LENET2, 0.9, "group_in", 6, 4, 6.5, None)]]
DENSE = ("blas", "torch", "torch_conv")
SPARSE = ("scipy_csr", "mkl_csr")


class Ours:
    """Our kernel of one format, for groups of 8 and the highest instruction set that has it, as a user meets it: one
    call from Python, arrays in and out."""

    def __init__(self, op, form):
        found = [c for c in candidates(op, LEVEL, Options(weights="csr" if form == "csr" else "group"))
                 if c.illegal is None and c.form.name == form and c.kernel.group in (1, 8)]
        best = max(found, key=lambda c: isa.LEVELS.index(c.kernel.isa))
        self.one = OneKernel(op, best.form, best.kernel)
        self.out = np.empty(op.outputs[0].shape, np.float32)

    def __call__(self, x):
        return self.one.plan.run(x, out=self.out)


def rivals(op):
    """{name: function of x} of the libraries that are here, on the same weights: products of matrices, of which a
    convolution's columns are given (laying them out is not counted), and "torch_conv", the convolution itself."""
    w = op.weights["w"].reshape(len(op.weights["w"]), -1)
    columns = _columns(op)
    made = {}
    for name in (*SPARSE, "blas"):
        module = rival(name)
        if module is not None:
            _one_thread(name)
            made[name] = _product(getattr(module, "product", None) or module.Rows, w, columns)
    torch = rival("torch") and __import__("torch")
    if torch:
        torch.set_num_threads(1)
        a, b, bias = torch.from_numpy(w), torch.from_numpy(columns), torch.from_numpy(op.weights["b"])[:, None]
        out = torch.empty(len(w), columns.shape[1])
        made["torch"] = lambda x: torch.addmm(bias, a, b, out=out).numpy()
        if op.kind == "conv":
            kernel, pad = torch.from_numpy(op.weights["w"]), (op.attrs["ph"], op.attrs["pw"])
            made["torch_conv"] = lambda x: torch.conv2d(torch.from_numpy(x), kernel, bias[:, 0], padding=pad).numpy()
    return made


def _one_thread(name):
    if name == "blas":
        import threadpoolctl

        threadpoolctl.threadpool_limits(1, user_api="blas")
    elif name == "mkl_csr":
        rival(name).set_threads(1)


def _product(product, w, columns):
    multiply, out = product(w), np.empty((len(w), columns.shape[1]), np.float32)

    def run(x):
        multiply(columns, out)
        return out

    run.without_bias = True
    return run


def _columns(op):
    """The input as a matrix (K, N): the windows of an image."""
    x = _input(op)
    if op.kind == "fc":
        return np.ascontiguousarray(x.T)
    a = op.attrs
    padded = np.pad(x[0], ((0, 0), (a["ph"],) * 2, (a["pw"],) * 2))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (a["kh"], a["kw"]), (1, 2))
    return np.ascontiguousarray(windows.transpose(0, 3, 4, 1, 2)).reshape(len(x[0]) * a["kh"] * a["kw"], -1)


def _input(op):
    return np.random.default_rng(1).standard_normal(op.inputs[0].shape, np.float32)


@functools.cache
def _race(work, disabled):
    """(Timings or None, Ours, {name of a rival: ...}) of one piece of work: measured once, kept for all its tests."""
    op = work.shape.op(work.zeros, work.form)
    ours, others = Ours(op, work.form), rivals(op)
    [want] = interpret(Program((op,), op.inputs, op.outputs), [_input(op)])
    bias = op.weights["b"].reshape((-1, 1))
    with_bias, without = close_to(want), close_to(want.reshape(len(bias), -1) - bias)

    def check(name, got):
        return (without if getattr(others.get(name), "without_bias", False) else with_bias)(name, got)

    found = measure(disabled, {"ours": ours, **others}, _input(op), check=check, cores=1)
    return found, ours, others


@pytest.mark.parametrize("who", ["ours", *SPARSE, *DENSE])
@pytest.mark.parametrize("work", WORKS, ids=str)
def test_rivals(benchmark, work, who):
    """The best of our kernels of a format against each rival, in turns."""
    benchmark.group = str(work)
    timings, ours, others = _race(work, benchmark.disabled)
    if who != "ours" and who not in others:
        pytest.skip(peers.find(who).missing() if who in peers.NAMES else
                    f"{who}: {peers.find('torch').missing() or 'not a convolution'}")
    if timings is None:
        return benchmark(lambda: None)
    one, seconds = ours.one, timings[who].median
    info = {"shape": str(work.shape), "sparsity": work.zeros, "threads": 1, "rival": who != "ours", "who": who,
            "aims": work.aims}
    if who == "ours":
        limit = peaks()
        bound = (one.nbytes / limit.gbs(one.nbytes) if work.shape.kind == "fc"
                 else 2 * one.multiply_adds / limit.gflops()) * 1e-9
        info |= {"format": work.form, "isa": one.kernel.isa, "kernel": one.kernel.symbol, "kept": one.multiply_adds,
                 "of_bound": bound / seconds,
                 **rates(seconds, one.multiply_adds, one.nbytes)}
    else:
        sparse, weights = who in SPARSE, np.prod(work.shape.weights)
        kept = 1 - work.zeros if sparse else 1
        info |= {"format": "csr" if sparse else "dense", "isa": None,
                 **rates(seconds, kept * work.shape.multiply_adds, kept * weights * (8 if sparse else 4))}
    record(benchmark, timings[who], **info)


# -- each kernel by itself ---------------------------------------------------------------------------------------


def _values(*shapes):
    return tuple(Value(f"v{i}", shape) for i, shape in enumerate(shapes))


def _op(kind, inputs, outputs, weights=None, **attrs):
    return Op(kind, kind, _values(*inputs), tuple(Value(f"y{i}", shape) for i, shape in enumerate(outputs)), attrs,
              weights or {})


def _others():
    """{kind: Op} of the kinds that are no products with sparse forms, at sizes that real nets have."""
    rng = np.random.default_rng(0)
    image, rows = (1, 64, 56, 56), (1, 64, 3136)
    window = dict(kh=3, kw=3, sh=2, sw=2, ph=0, pw=0)
    conv = dict(kh=4, kw=4, sh=2, sw=2, ph=1, pw=1, dh=1, dw=1, group=1, act=None)
    part = dict(input=0, dims=(64, 56, 56), x_strides=(3136, 1, 56), y_strides=(3136, 56, 1), x_offset=0, y_offset=0)
    low = np.arange(112, dtype=np.int32) // 2
    ends = {"low": low, "high": np.minimum(low + 1, 55).astype(np.int32), "part": rng.random(112, np.float32)}
    made = [
        _op("deconv", [(1, 21, 34, 34)], [(1, 21, 68, 68)], {"w": rng.standard_normal((21, 21, 4, 4), np.float32)},
            **conv),
        _op("pool", [image], [(1, 64, 28, 28)], method="max", **window),
        _op("lrn", [image], [image], region="across", size=5, alpha=1e-4, beta=0.75, k=1.0),
        _op("softmax", [(1, 1000, 1)], [(1, 1000, 1)]),
        _op("unary", [image], [image], fn="sigmoid", p0=0.0, p1=0.0, p2=0.0),
        _op("affine", [rows], [rows], {"scale": rng.random(64, np.float32), "shift": rng.random(64, np.float32)},
            act=None),
        _op("eltwise", [image, image], [image], fn="sum", ca=1.0, cb=1.0, act=("relu", 0.0, 0.0)),
        _op("broadcast", [rows, (1, 64)], [rows], fn="mul", s_outer=0),
        _op("copy", [image], [image], parts=(part,)),
        _op("reduce", [rows], [(1, 3136)], fn="sum", coeff=1.0),
        _op("mvn", [(64, 3136)], [(64, 3136)], variance=1, eps=1e-9),
        _op("norm", [rows], [rows], guard=0, eps=1e-10),
        _op("interp", [(64, 56, 56)], [(64, 112, 112)],
            {f"{axis}_{end}": array for axis in "yx" for end, array in ends.items()}),
        _op("scatter", [(64, 784), (64, 784)], [(64, 3136)]),
        _op("fill", [], [image], {"value": rng.standard_normal(image, np.float32)}),
    ]
    return {op.kind: op for op in made}


#: The layer that a kernel is measured on: by kind and form where it needs one of its own, else by kind.
ON = {("conv", "depthwise"): Shape("depthwise", (1, 128, 56, 56), (128, 56, 56), (3, 3), pad=(1, 1), group=128),
      ("conv", "winograd25"): LENET2,
      ("conv", "pointwise"): Shape("conv 512x512x196", (1, 512, 14, 14), (512, 14, 14), (1, 1)),
      ("conv", None): Shape("conv 128x576x784", (1, 64, 28, 28), (128, 28, 28), (3, 3), pad=(1, 1)),
      ("fc", None): _fc(1000, 2048)}
KERNELS = [k for k in _kernels.kernels() if k.kind != "probe" and k.isa in isa.runnable()]


def alone(kernel):
    """(the Op that a kernel is measured on, its inputs, its sparsity)."""
    if kernel.kind not in ("conv", "fc"):
        op, zeros = _others()[kernel.kind], 0.0
    else:
        shape = ON.get((kernel.kind, kernel.form), ON[kernel.kind, None])
        zeros = 0.9 if kernel.form in ("csr", "group_in", "group_out") else 0.0
        op = shape.op(zeros, kernel.form, kernel.group)
    rng = np.random.default_rng(1)
    arrays = [rng.standard_normal(v.shape, np.float32) for v in op.inputs]
    if kernel.kind == "scatter":
        arrays[1] = np.argsort(rng.random((64, 3136)), axis=1)[:, :784].astype(np.float32)
    return op, arrays, zeros


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.symbol)
def test_kernel(benchmark, kernel):
    """Every kernel of this build that runs here, inside a plan, on one layer that suits it."""
    op, arrays, zeros = alone(kernel)
    benchmark.group = op.kind
    form = forms.find(kernel.kind, kernel.form)
    why = form.illegal(op, kernel)
    assert why is None, why
    one = OneKernel(op, form, kernel)
    want = interpret(Program((op,), op.inputs, op.outputs), arrays)[0]
    found = measure(benchmark.disabled, {"kernel": one}, *arrays, check=close_to(want), cores=1)
    if found is None:
        return benchmark(lambda: None)
    timing = found["kernel"]
    record(benchmark, timing, shape=" ".join("x".join(map(str, v.shape)) for v in (*op.inputs, *op.outputs)),
           sparsity=zeros, format=kernel.form, isa=kernel.isa, kernel=kernel.symbol, threads=1, rival=False,
           **rates(timing.median, one.multiply_adds, one.nbytes))
