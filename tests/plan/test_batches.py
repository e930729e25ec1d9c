"""Sparse fully connected layers of a batch run over images as pixels, and give the same."""

import numpy as np
import pytest

from scalpel_rt import isa
from scalpel_rt.options import Options
from scalpel_rt.plan.batches import images_to_pixels
from scalpel_rt.plan.build import compile_program
from scalpel_rt.plan.interpret import interpret
from scalpel_rt.plan.spec import Op, Program, Value
from scalpel_rt.plan.verify import verify_program

from .programs import assert_close


def net(n, zeros, k=70, m=37, act=("prelu",), seed=0):
    """Two fully connected layers, one after the other."""
    rng = np.random.default_rng(seed)
    values = [Value("x", (n, k)), Value("h", (n, m)), Value("y", (n, 5))]
    ops = []
    for x, y in zip(values, values[1:], strict=False):
        shape = y.shape[1], x.shape[1]
        weights = {"w": (rng.standard_normal(shape) * (rng.random(shape) >= zeros)).astype(np.float32),
                   "b": rng.standard_normal(shape[0]).astype(np.float32)}
        if act == ("prelu",):
            weights["slope"] = rng.random(shape[0]).astype(np.float32)
        ops.append(Op("fc", y.name, (x,), (y,), {"act": act}, weights))
    return Program(tuple(ops), (values[0],), (values[2],)), [rng.standard_normal((n, k)).astype(np.float32)]


def kinds(program):
    return [op.kind for op in program.ops]


@pytest.mark.parametrize("level", isa.runnable())
@pytest.mark.parametrize("act", [None, ("relu", 0.0, 0.0), ("prelu",)], ids=str)
@pytest.mark.parametrize("n", [8, 16, 33])
def test_results_stay(level, act, n):
    program, arrays = net(n, 0.9, act=act)
    assert kinds(verify_program(images_to_pixels(program, Options()))) == ["copy", "conv", "copy"] * 2
    for weights in ("auto", "group", "csr"):
        [got] = compile_program(program, Options(isa=level, threads=2, weights=weights, tune=False)).run_all(*arrays)
        assert_close(got, interpret(program, arrays)[0])


def test_only_where_it_pays():
    same = ["fc", "fc"]
    assert kinds(images_to_pixels(net(7, 0.9)[0], Options())) == same           # few images
    assert kinds(images_to_pixels(net(16, 0.3)[0], Options())) == same          # few zeros
    assert kinds(images_to_pixels(net(16, 0.9)[0], Options(weights="dense"))) == same
