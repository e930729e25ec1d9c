"""Small programs for tests of the runtime."""

import numpy as np

from scalpel_rt.plan.spec import Builder, Program, Value


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
