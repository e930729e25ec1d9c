"""Small programs for tests of the runtime."""

import time

import numpy as np

from scalpel_rt.caffe import parse_prototxt, upgrade_net
from scalpel_rt.graph import build as build_graph
from scalpel_rt.layers import Layer, register
from scalpel_rt.options import Options
from scalpel_rt.plan.build import compile_graph, compile_program
from scalpel_rt.plan.spec import Builder, Program, Value
from scalpel_rt.runtime import _kernels


def chain(n, shape):
    """``n`` times the double of an array."""
    build, x = Builder(), Value("x", shape)
    value = x
    for i in range(n):
        y = Value(f"y{i}", shape)
        build.layer(f"double{i}")
        build.op("unary", [value], [y], fn="power", p0=1.0, p1=2.0, p2=0.0)
        value = y
    return Program(tuple(build.ops), (x,), (value,))


def two_by_two():
    """(a, b) of shape (2, 2) to (a + b, a * b)."""
    build, a, b = Builder(), Value("a", (2, 2)), Value("b", (2, 2))
    total, product = Value("sum", (2, 2)), Value("prod", (2, 2))
    build.layer("both")
    build.op("eltwise", [a, b], [total], fn="sum", ca=1.0, cb=1.0, act=None)
    build.op("eltwise", [a, b], [product], fn="prod", ca=1.0, cb=1.0, act=None)
    return Program(tuple(build.ops), (a, b), (total, product))


def convolutions(n, channels=32, size=56, seed=0, batch=1):
    """``n`` times the same 3x3 convolution, each of about 2*9*channels**2*size**2 operations."""
    rng = np.random.default_rng(seed)
    build, x = Builder(), Value("x", (batch, channels, size, size))
    value = x
    w = (rng.normal(size=(channels, channels, 3, 3)) * np.sqrt(2 / (9 * channels))).astype(np.float32)
    for i in range(n):
        y = Value(f"y{i}", x.shape)
        build.layer(f"conv{i}")
        build.op("conv", [value], [y], {"w": w}, kh=3, kw=3, sh=1, sw=1, ph=1, pw=1, dh=1, dw=1, group=1,
                 act=("relu", 0.0, 0.0))
        value = y
    return Program(tuple(build.ops), (x,), (value,))


def image(program, seed=0):
    """Random arrays for the inputs of a program."""
    rng = np.random.default_rng(seed)
    return [rng.normal(size=v.shape).astype(np.float32) for v in program.inputs]


def long():
    """A plan that takes a second or so, and arrays for it."""
    program = convolutions(200, 64, 56)
    return compile_program(program, Options(threads=1)), image(program)


def staged(seconds=0.3):
    """A plan of which a part has to be run by Python, which takes its time; and arrays for it."""
    @register
    class Slow(Layer):
        type = "Slow"

        def forward(self, bottoms, params):
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                time.sleep(0.001)
            return [bottoms[0] + np.float32(1)]

    text = """layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
              layer { name: "slow" type: "Slow" bottom: "x" top: "slow" }
              layer { name: "y" type: "ReLU" bottom: "slow" top: "y" }"""
    return compile_graph(build_graph(upgrade_net(parse_prototxt(text)))), [np.ones((2, 3), np.float32)]


def results(seed):
    """The bytes that a small net gives, and how many threads helped: what a process of its own can be asked for."""
    program = convolutions(3, 16, 32)
    plan = compile_program(program, Options(threads=2, tune=False))
    return plan.run(*image(program, seed)).tobytes(), _kernels.helpers()
