"""Plans as a caller meets them: arrays in and out, errors, memory."""

import gc
import time

import numpy as np
import pytest

from scalpel_rt.errors import ShapeError
from scalpel_rt.options import Options
from scalpel_rt.plan.build import compile_program
from scalpel_rt.runtime import _kernels, _plan

from ..plan.programs import random_program
from .nets import chain, convolutions, image, two_by_two

X = np.array([[1, -2, 3]], np.float32)


@pytest.fixture
def plan():
    """Doubles an array of shape (1, 3)."""
    return compile_program(chain(1, (1, 3)), Options(threads=1))


def test_one_output_comes_alone_several_as_a_tuple(plan):
    np.testing.assert_array_equal(plan.run(X), 2 * X)
    assert isinstance(plan.run_all(X), tuple) and len(plan.run_all(X)) == 1
    a, b = np.ones((2, 2), np.float32), np.full((2, 2), 3, np.float32)
    total, product = compile_program(two_by_two(), Options(threads=1)).run(a, b)
    np.testing.assert_array_equal(total, a + b)
    np.testing.assert_array_equal(product, a * b)


@pytest.mark.parametrize("given", [X.astype(np.float64), X.astype(np.int8), X.astype(">f4"), X.astype(np.float16),
                                   X > 0, np.asfortranarray(np.repeat(X, 2, 0))[::2], X[:, ::-1][:, ::-1], X.tolist(),
                                   memoryview(X)],
                         ids=["f64", "i8", "big endian", "f16", "bool", "strided", "flipped", "list", "memoryview"])
def test_whatever_holds_real_numbers_is_converted(plan, given):
    np.testing.assert_array_equal(plan.run(given), 2 * np.asarray(given, np.float32))


def test_inputs_are_not_written_and_outputs_are_the_callers(plan):
    x = X.copy()
    x.flags.writeable = False
    first = plan.run(x)
    first[...] = 7
    np.testing.assert_array_equal(plan.run(x), 2 * X)
    np.testing.assert_array_equal(first, 7)


def test_zero_axes_and_zero_elements():
    for shape in ((), (0,), (2, 0, 3)):
        x = np.ones(shape, np.float32)
        got = compile_program(chain(3, shape), Options(threads=1)).run(x)
        assert got.shape == shape
        np.testing.assert_array_equal(got, 8 * x)


def test_a_program_without_steps_hands_on_its_input():
    np.testing.assert_array_equal(compile_program(chain(0, (1, 3)), Options()).run(X), X)


@pytest.mark.parametrize("arrays, message", [((), r"takes 1 array\(s\) \(x\), not 0"), ((X, X), "not 2"),
                                             ((X[0],), r"'x'.*\(1, 3\).*\(3,\)"), ((X.T,), r"\(1, 3\).*\(3, 1\)"),
                                             ((1.0,), r"not \(\)")])
def test_wrong_shapes_are_named(plan, arrays, message):
    with pytest.raises(ShapeError, match=message):
        plan.run(*arrays)
    np.testing.assert_array_equal(plan.run(X), 2 * X)


@pytest.mark.parametrize("array", [X.astype(complex), X.astype(str), X.astype(object), [["a", "b", "c"]], None])
def test_what_are_no_real_numbers_is_refused(plan, array):
    with pytest.raises((TypeError, ShapeError)):
        plan.run(array)
    np.testing.assert_array_equal(plan.run(X), 2 * X)


def test_out_is_written_and_returned(plan):
    out = np.empty((1, 3), np.float32)
    assert plan.run(X, out=out) is out
    np.testing.assert_array_equal(out, 2 * X)
    a, b = np.ones((2, 2), np.float32), np.full((2, 2), 3, np.float32)
    outs = [np.empty((2, 2), np.float32) for _ in range(2)]
    got = compile_program(two_by_two(), Options(threads=1)).run(a, b, out=outs)
    assert got[0] is outs[0] and got[1] is outs[1]
    np.testing.assert_array_equal(outs[1], a * b)


def test_out_may_be_the_input(plan):
    x = X.copy()
    plan.run(x, out=x)
    np.testing.assert_array_equal(x, 2 * X)


def read_only():
    out = np.empty((1, 3), np.float32)
    out.flags.writeable = False
    return out


@pytest.mark.parametrize("out, error", [(np.empty((3,), np.float32), ShapeError), (np.empty((1, 3)), ShapeError),
                                        (np.empty((1, 6), np.float32)[:, ::2], TypeError), (read_only(), TypeError),
                                        ((), ShapeError), ([[1, 2, 3]], TypeError)],
                         ids=["shape", "float64", "strided", "read-only", "none", "list"])
def test_a_wrong_out_is_refused(plan, out, error):
    with pytest.raises(error):
        plan.run(X, out=out)
    np.testing.assert_array_equal(plan.run(X), 2 * X)


def test_slots_say_what_goes_in_and_out(plan):
    assert [(slot.name, slot.shape) for slot in plan.inputs] == [("x", (1, 3))]
    assert [(slot.name, slot.shape) for slot in plan.outputs] == [("y0", (1, 3))]


def test_steps_can_be_timed():
    plan = compile_program(chain(4, (64, 64)), Options(threads=1))
    times = plan.time(np.ones((64, 64), np.float32))
    assert times.shape == (4,) and (times > 0).all()


def trace_with_help(plan, arrays):
    """A trace of a run to which a helper came in time for the first step: one that has to wake up first may not."""
    for _ in range(1000):
        trace = plan.trace(*arrays)
        if trace.lanes[0, 1, 1]:
            return trace
    raise AssertionError("nobody helps")


def test_a_trace_says_when_each_thread_ran():
    program = convolutions(3, 32, 40)
    plan = compile_program(program, Options(threads=2))
    assert {row.threads for row in plan.explain()} == {2}
    start = time.monotonic_ns()
    trace = trace_with_help(plan, image(program))
    end = time.monotonic_ns()
    np.testing.assert_array_equal(trace.outputs[0], plan.run(*image(program)))
    assert trace.steps.shape == (3, 2) and trace.lanes.shape == (3, 2, 2)
    flat = trace.steps.reshape(-1)
    assert start <= flat[0] and flat[-1] <= end and (np.diff(flat) >= 0).all()
    ran = trace.lanes[:, :, 1] > 0
    assert ran[:, 0].all() and ran[0, 1]
    assert (trace.lanes[:, :, 0] >= trace.steps[:, None, 0])[ran].all()
    assert (trace.lanes[:, :, 1] <= trace.steps[:, None, 1])[ran].all()
    assert (trace.lanes[:, :, 1] > trace.lanes[:, :, 0])[ran].all() and (trace.lanes[~ran] == 0).all()


def test_a_step_for_one_thread_leaves_the_others_blank():
    big = convolutions(1, 32, 40)
    plan = compile_program(big, Options(threads=2))
    mixed = _plan.Steps([plan.steps.steps[0], plan.steps.steps[0]._replace(threads=1)], plan.steps.arena,
                        plan.inputs, plan.outputs)
    lanes = trace_with_help(_plan.Plan(mixed), image(big)).lanes
    assert (lanes[0] > 0).all() and (lanes[1, 0] > 0).all() and (lanes[1, 1] == 0).all()


# -- what Steps must not believe ---------------------------------------------------------------------------------


KERNEL = next(k for k in _kernels.kernels() if k.kind == "unary" and k.isa == "scalar")


def step(buffers, threads=1, **args):
    return _plan.Step("s", KERNEL, {"count": 3, "fn": 0, **args}, buffers, threads, 1.0)


@pytest.mark.parametrize("make", [
    lambda: _plan.Steps([], 8, [_plan.Slot("x", (1, 3), 0)], []),
    lambda: _plan.Steps([], 64, [], [_plan.Slot("x", (1, 3), -4)]),
    lambda: _plan.Steps([], 64, [], [_plan.Slot("x", (1, 3), 2)]),
    lambda: _plan.Steps([], 64, [], [], [_plan.Slot("x", (1, 30), 0)]),
    lambda: _plan.Steps([], 64, [], [], [], [(np.ones(17, np.float32), 0)]),
    lambda: _plan.Steps([], 64, [], [], [], [(np.ones(4), 0)]),
    lambda: _plan.Steps([step({"x": 0, "y": 128})], 64, [], []),
    lambda: _plan.Steps([step({}, threads=0)], 64, [], []),
    lambda: _plan.Steps([step({}, threads=1000)], 64, [], []),
    lambda: _plan.Steps([step({})._replace(cuts=0)], 64, [], []),
    lambda: _plan.Steps([step({})._replace(cuts=1 << 15)], 64, [], []),
])
def test_steps_stay_inside_their_arena(make):
    with pytest.raises(ValueError):
        make()


@pytest.mark.parametrize("made", [{"buffers": {"count": 0}}, {"buffers": {}, "speed": 3}, {"buffers": {}, "x": 3}])
def test_steps_know_their_arguments(made):
    with pytest.raises((TypeError, ValueError)):
        _plan.Steps([step(**made)], 64, [], [])


def test_arrays_are_contiguous_and_aligned():
    """Weights of a mapped file may begin at any byte; kernels read floats."""
    bytes_ = np.zeros(4 * 3 + 1, np.uint8)
    for x in (np.zeros(6, np.float32)[::2], bytes_[1:].view(np.float32)):
        with pytest.raises(ValueError, match="not aligned"):
            _kernels.call(KERNEL, {"x": x, "y": np.zeros(3, np.float32), "count": 3})


# -- memory ------------------------------------------------------------------------------------------------------


def test_every_allocation_may_fail_and_nothing_leaks():
    program, arrays = random_program(5, 20)
    gc.collect()
    before, failures, done = _kernels.allocations(), 0, False
    while not done:
        _kernels.fail_allocation(failures + 1)
        try:
            plans = [compile_program(program, Options(threads=1))]
            plans.append(plans[0].clone_state())
            done = True
        except MemoryError:
            failures += 1
        finally:
            _kernels.fail_allocation(0)
        if done:
            for got, want in zip(*[plan.run_all(*arrays) for plan in plans], strict=True):
                np.testing.assert_array_equal(got, want)
        plans = None
        gc.collect()
        assert _kernels.allocations() == before
    assert failures == 3 + 5 + 5        # those of Steps, and those of two Plans


def test_too_large_an_arena_is_a_memory_error():
    with pytest.raises(MemoryError):
        _plan.Plan(_plan.Steps([], 1 << 62, [], []))


def test_a_plan_keeps_its_weights_alive_and_lets_them_go():
    program, arrays = random_program(11, 20)
    plan = compile_program(program, Options(threads=1))
    want = plan.run_all(*arrays)
    del program
    gc.collect()
    noise = [np.full(1000, np.nan, np.float32) for _ in range(100)]
    for got, expected in zip(plan.run_all(*arrays), want, strict=True):
        np.testing.assert_array_equal(got, expected)
    assert len(noise) == 100 and plan.steps.weight_bytes > 0
