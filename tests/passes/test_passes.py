"""Passes change how much work a program is, never what it gives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalpel_rt import passes
from scalpel_rt.passes import PASSES, run_passes
from scalpel_rt.plan.interpret import interpret
from scalpel_rt.plan.spec import Builder, Program, Value
from scalpel_rt.plan.verify import verify_program

from ..plan.programs import assert_close, random_program


def same(before, after, arrays):
    for want, got in zip(interpret(before, arrays), interpret(after, arrays), strict=True):
        assert_close(got, want)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), size=st.integers(1, 25))
def test_all_passes_keep_the_results_of_random_programs(seed, size):
    program, arrays = random_program(seed, size)
    after = run_passes(program)
    assert after.outputs == program.outputs and after.inputs == program.inputs
    same(program, after, arrays)


@pytest.mark.parametrize("step", dict.fromkeys(PASSES), ids=lambda step: step.__name__)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_each_pass_alone_keeps_the_results(step, seed):
    program, arrays = random_program(seed, 15)
    same(program, verify_program(step(program)), arrays)


@pytest.mark.parametrize("step", dict.fromkeys(PASSES), ids=lambda step: step.__name__)
def test_random_programs_give_every_pass_something_to_do(step):
    before = (run_passes(random_program(seed, 15)[0], stop=PASSES.index(step)) for seed in range(300))
    assert any(kinds(step(program)) != kinds(program) for program in before)


def test_passes_can_be_stopped():
    program, _ = random_program(3, 20)
    assert run_passes(program, stop=0) is program
    assert len(run_passes(program, stop=2).ops) >= len(run_passes(program).ops)


class Net:
    """A builder with an image, for programs written by hand."""

    def __init__(self, *shape):
        self.build = Builder()
        self.x = Value("x", shape)
        self.rng = np.random.default_rng(1)

    def weights(self, *shape):
        return self.rng.normal(size=shape).astype(np.float32)

    def op(self, kind, inputs, shape, weights=None, **attrs):
        y = Value(f"y{len(self.build.ops)}", shape)
        self.build.layer(f"{kind}{len(self.build.ops)}")
        self.build.op(kind, inputs, [y], weights, **attrs)
        return y

    def conv(self, x, m, **attrs):
        n, c, h, w = x.shape
        numbers = dict(kh=1, kw=1, sh=1, sw=1, ph=0, pw=0, dh=1, dw=1, group=1) | attrs
        return self.op("conv", [x], (n, m, h, w), {"w": self.weights(m, c, 1, 1), "b": self.weights(m)}, **numbers)

    def norm(self, x):
        """A BatchNorm or Scale, as their layers lower them."""
        n, c, h, w = x.shape
        flat = self.op("view", [x], (n, c, h * w))
        y = self.op("affine", [flat], flat.shape, {"scale": self.weights(c), "shift": self.weights(c)})
        return self.op("view", [y], x.shape)

    def relu(self, x):
        return self.op("unary", [x], x.shape, fn="relu", p0=0.0, p1=0.0, p2=0.0)

    def add(self, a, b):
        return self.op("eltwise", [a, b], a.shape, fn="sum", ca=1.0, cb=1.0)

    def program(self, *outputs):
        return verify_program(Program(tuple(self.build.ops), (self.x,), outputs))

    def optimised(self, *outputs):
        program = self.program(*outputs)
        after = run_passes(program)
        same(program, after, [self.weights(*self.x.shape)])
        return after


def kinds(program):
    return [op.kind for op in program.ops]


def test_a_residual_block_is_its_convolutions():
    net = Net(2, 4, 5, 5)
    a = net.relu(net.norm(net.norm(net.conv(net.x, 4))))
    b = net.norm(net.norm(net.conv(a, 4)))
    after = net.optimised(net.relu(net.add(net.x, b)))
    assert kinds(after) == ["conv", "conv"]
    assert after.ops[1].attrs["act"] == ("relu", 0.0, 0.0) and after.ops[1].inputs[1] is net.x
    assert after.ops[0].name == "conv0+affine2+affine5+unary7"


def test_of_two_convolutions_the_later_takes_the_sum():
    net = Net(1, 4, 3, 3)
    left = net.conv(net.x, 6)
    right = net.conv(net.relu(net.x), 6)
    after = net.optimised(net.add(left, right))
    assert kinds(after) == ["conv", "unary", "conv"]
    assert after.ops[2].name == "conv2+eltwise3"


def test_a_value_that_others_read_is_not_fused_away():
    net = Net(1, 4, 3, 3)
    y = net.conv(net.x, 4)
    z = net.relu(y)
    assert kinds(net.optimised(y, z)) == ["conv", "unary"]
    assert kinds(net.optimised(z)) == ["conv"]
    net.add(y, z)
    assert kinds(net.optimised(net.add(y, z))) == ["conv", "unary", "eltwise"]


def test_a_sum_of_a_value_with_itself_stays():
    net = Net(1, 4, 3, 3)
    y = net.conv(net.x, 4)
    assert kinds(net.optimised(net.add(y, y))) == ["conv", "eltwise"]


def test_numbers_that_would_overflow_are_not_folded():
    net = Net(1, 2, 3, 3)
    y = net.op("conv", [net.x], net.x.shape, {"w": np.full((2, 2, 1, 1), 1e30, np.float32)},
               kh=1, kw=1, sh=1, sw=1, ph=0, pw=0, dh=1, dw=1, group=1)
    flat = net.op("view", [y], (1, 2, 9))
    z = net.op("affine", [flat], flat.shape, {"scale": np.full(2, 1e30, np.float32)})
    assert kinds(passes.run_passes(net.program(z))) == ["conv", "view", "affine"]


def test_an_affine_over_another_axis_is_not_folded():
    net = Net(1, 4, 4, 4)
    y = net.conv(net.x, 4)
    rows = net.op("view", [y], (4, 4, 4))
    z = net.op("affine", [rows], rows.shape, {"scale": net.weights(4)})
    assert kinds(net.optimised(z)) == ["conv", "view", "affine"]


def test_a_prelu_on_its_own_becomes_an_epilogue():
    net = Net(2, 3, 4, 4)
    y = net.conv(net.x, 5)
    flat = net.op("view", [y], (2, 5, 16))
    z = net.op("affine", [flat], flat.shape, {"slope": net.weights(5)}, act=("prelu",))
    after = net.optimised(net.op("view", [z], y.shape))
    assert kinds(after) == ["conv", "view"] and after.ops[0].attrs["act"] == ("prelu",)


@pytest.mark.parametrize("fn, numbers", [("relu", (0.0, 0.0)), ("relu", (0.125, 0.0)), ("clip", (-0.25, 0.75))])
def test_an_activation_becomes_an_epilogue_with_its_numbers(fn, numbers):
    net = Net(2, 3, 4, 4)
    y = net.conv(net.x, 5)
    after = net.optimised(net.op("unary", [y], y.shape, fn=fn, p0=numbers[0], p1=numbers[1], p2=0.0))
    assert kinds(after) == ["conv"] and after.ops[0].attrs["act"] == (fn, *numbers)


def test_a_convolution_over_its_whole_input_is_fully_connected():
    net = Net(2, 3, 4, 5)
    w = net.weights(6, 3, 4, 5)
    numbers = dict(kh=4, kw=5, sh=1, sw=1, ph=0, pw=0, dh=1, dw=1, group=1, act=("relu", 0.0, 0.0))
    y = net.op("conv", [net.x], (2, 6, 1, 1), {"w": w, "b": net.weights(6)}, **numbers)
    assert kinds(net.optimised(net.conv(y, 4))) == ["view", "fc", "fc", "view"]
    padded = net.op("conv", [net.x], (2, 6, 1, 1), {"w": net.weights(6, 3, 6, 5)}, **{**numbers, "kh": 6, "ph": 1})
    assert kinds(net.optimised(padded)) == ["conv"]


def test_dead_operations_go():
    net = Net(1, 2, 2, 2)
    net.relu(net.conv(net.x, 3))
    y = net.relu(net.x)
    assert kinds(net.optimised(y)) == ["unary"]


def test_views_collapse():
    net = Net(1, 2, 2, 2)
    y = net.op("view", [net.op("view", [net.op("view", [net.x], (8,))], (2, 4))], (1, 8))
    again = net.op("view", [net.op("view", [y], (2, 4))], (1, 2, 2, 2))
    after = net.optimised(net.relu(y), net.relu(again))
    assert kinds(after) == ["view", "unary", "unary"]
    assert after.ops[2].inputs == (net.x,)
