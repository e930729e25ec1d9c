"""Convolutions and matrix products of all sizes, alone.

Every form and instruction set against the dense scalar kernel, hard against memory that may not be touched
(tests/kernels/harness.py).
"""

import numpy as np

from scalpel_rt import isa
from scalpel_rt.plan import forms
from scalpel_rt.runtime import _kernels
from tests.kernels import dense

KERNELS = [k for k in _kernels.kernels() if k.kind in ("conv", "fc") and k.isa in isa.runnable()]
PLAIN = {kind: next(k for k in KERNELS if (k.kind, k.isa, k.form) == (kind, "scalar", form))
         for kind, form in (("conv", "gemm"), ("fc", "dense"))}


def seeds():
    return [bytes(np.random.default_rng(i).integers(0, 256, 20, np.uint8)) for i in range(64)]


def once(data, scratch):
    which, n, m, c, group, h, w, kh, kw, sh, sw, ph, pw, dh, dw, act, extra, zeros, *seed = data[:20].ljust(20, b"\0")
    rng = np.random.default_rng(int.from_bytes(bytes(seed), "little"))
    kernel = KERNELS[which % len(KERNELS)]
    act = dense.ACTS[act % len(dense.ACTS)]
    if kernel.kind == "fc":
        op = dense.fc_op(rng, 1 + n % 9, 1 + m % 120, 1 + c, act, bias=extra & 1)
    else:
        group = 1 + group % 4
        kernel_size, pad = (1 + kh % 7, 1 + kw % 7), (ph % 5, pw % 5)
        stride, dilation = (1 + sh % 3, 1 + sw % 3), (1 + dh % 3, 1 + dw % 3)
        if extra & 4:       # what most forms are for
            kernel_size, stride, dilation = (1 + kh % 3 * 2,) * 2, (1, 1), (1, 1)
        size = [max(1 + d % 24, (k - 1) * e + 1 - 2 * p)
                for d, k, e, p in zip((h, w), kernel_size, dilation, pad, strict=True)]
        op = dense.conv_op(rng, (1 + n % 3, group * (1 + c % 9), *size), group * (1 + m % 19), kernel_size, stride,
                           pad, dilation, group, act, bias=extra & 1, add=extra & 2)
    flat = op.weights["w"].reshape(len(op.weights["w"]), -1)
    width = 1 << zeros % 5
    keep = rng.random((len(flat), -(-flat.shape[1] // width))) >= (zeros >> 5) / 8
    flat *= np.repeat(keep, width, axis=1)[:, : flat.shape[1]]
    if forms.find(kernel.kind, kernel.form).illegal(op, kernel):
        return
    x, *add = (rng.standard_normal(value.shape, np.float32) for value in op.inputs)
    got, want = (dense.run(k, op, x, *add) for k in (kernel, PLAIN[kernel.kind]))
    products = flat.shape[1] * (8 if "winograd" in kernel.form else 1)
    greatest = max(1.0, np.abs(x).max() * np.abs(flat).max(initial=0))
    assert np.abs(got - want).max(initial=0) <= 2e-6 * products * greatest
