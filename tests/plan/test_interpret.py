"""The interpreter of programs: each kind of operation worked out by hand, and the rules that it holds programs to."""

import numpy as np
import pytest

from scalpel_rt.plan.interpret import KINDS, interpret, interpret_all
from scalpel_rt.plan.spec import KINDS as SPEC_KINDS
from scalpel_rt.plan.spec import UNARY, Builder, Program, Value


def once(kind, xs, shapes, weights=None, **attrs):
    """The outputs, of ``shapes``, of one operation on arrays."""
    build = Builder()
    build.layer("it")
    inputs = [Value(f"x{i}", np.shape(x)) for i, x in enumerate(xs)]
    outputs = [Value(f"y{i}", shape) for i, shape in enumerate(shapes)]
    weights = {name: None if w is None else np.asarray(w, getattr(w, "dtype", np.float32))
               for name, w in (weights or {}).items()}
    build.op(kind, inputs, outputs, weights, **attrs)
    return interpret(Program(tuple(build.ops), tuple(inputs), tuple(outputs)), xs)


WINDOW = {"kh": 1, "kw": 2, "sh": 1, "sw": 1, "ph": 0, "pw": 0, "dh": 1, "dw": 1, "group": 1}
ROW = np.array([1.0, 2, 3]).reshape(1, 1, 1, 3)


def test_every_kind_of_the_spec_has_a_meaning():
    assert set(KINDS) == set(SPEC_KINDS)


@pytest.mark.parametrize("act, weights, want", [
    (None, {}, [-0.5, -0.5]), (("relu", 0.0, 0), {}, [0, 0]), (("relu", 0.5, 0), {}, [-0.25, -0.25]),
    (("clip", -0.25, 6), {}, [-0.25, -0.25]), (("prelu",), {"slope": [2]}, [-1, -1])])
def test_conv_with_its_epilogue(act, weights, want):
    y, = once("conv", [ROW], [(1, 1, 1, 2)], {"w": [[[[1, -1]]]], "b": [0.5], **weights}, **WINDOW, act=act)
    np.testing.assert_array_equal(y.ravel(), want)


def test_conv_adds_before_the_activation():
    add = np.array([-5, 2.0]).reshape(1, 1, 1, 2)
    y, = once("conv", [ROW, add], [(1, 1, 1, 2)], {"w": [[[[1, 1]]]]}, **WINDOW, act=("relu", 0.0, 0))
    np.testing.assert_array_equal(y.ravel(), [0, 7])


def test_deconv():
    y, = once("deconv", [ROW], [(1, 1, 1, 4)], {"w": [[[[1, 10]]]], "b": [0.5]}, **WINDOW, act=None)
    np.testing.assert_array_equal(y.ravel(), [1.5, 12.5, 23.5, 30.5])


def test_fc():
    y, = once("fc", [[[1, 2]]], [(1, 3)], {"w": [[1, 0], [0, 1], [1, 1]], "b": [0, 0, -10]}, act=("relu", 0.0, 0))
    np.testing.assert_array_equal(y, [[1, 2, 0]])


def test_pool():
    window = {"kh": 1, "kw": 2, "sh": 1, "sw": 2, "ph": 0, "pw": 0}
    y, mask = once("pool", [ROW], [(1, 1, 1, 2)] * 2, method="max", **window)
    np.testing.assert_array_equal(y.ravel(), [2, 3])
    np.testing.assert_array_equal(mask.ravel(), [1, 2])
    y, = once("pool", [ROW], [(1, 1, 1, 2)], method="ave", **window)
    np.testing.assert_array_equal(y.ravel(), [1.5, 3])


def test_lrn():
    x = np.array([1.0, 2, 3]).reshape(1, 3, 1, 1)
    y, = once("lrn", [x], [x.shape], region="across", size=3, alpha=3.0, beta=1.0, k=1.0)
    np.testing.assert_allclose(y.ravel(), [1 / 6, 2 / 15, 3 / 14], rtol=1e-6)


def test_softmax():
    y, = once("softmax", [np.log([[[1.0], [3]]])], [(1, 2, 1)])
    np.testing.assert_allclose(y.ravel(), [0.25, 0.75], rtol=1e-6)


@pytest.mark.parametrize("fn", UNARY)
def test_unary_knows_every_function(fn):
    y, = once("unary", [[0.5, 2]], [(2,)], fn=fn, p0=1.0, p1=1.0, p2=1.0)
    assert np.isfinite(y).all()


def test_affine():
    x = np.ones((1, 2, 2))
    y, = once("affine", [x], [x.shape], {"scale": [2, 3], "shift": [0, -1]}, act=None)
    np.testing.assert_array_equal(y[0], [[2, 2], [2, 2]])
    y, = once("affine", [x], [x.shape], {"shift": [0, -5], "slope": [9, 0.5]}, act=("prelu",))
    np.testing.assert_array_equal(y[0], [[1, 1], [-2, -2]])


def test_eltwise():
    a, b = [1.0, np.nan, 3], [2.0, 2, np.nan]
    y, = once("eltwise", [a, b], [(3,)], fn="max", ca=1.0, cb=1.0, act=None)
    np.testing.assert_array_equal(y, [2, 2, np.nan])
    y, = once("eltwise", [[1, 2]] * 2, [(2,)], fn="sum", ca=2.0, cb=-0.5, act=None)
    np.testing.assert_array_equal(y, [1.5, 3])
    y, = once("eltwise", [[1, 2], [3, -4]], [(2,)], fn="prod", ca=1.0, cb=1.0, act=("relu", 0.0, 0))
    np.testing.assert_array_equal(y, [3, 0])


def test_broadcast():
    x = np.ones((2, 2, 1))
    y, = once("broadcast", [x, [[2, 3]]], [x.shape], fn="mul", s_outer=0)
    np.testing.assert_array_equal(y.ravel(), [2, 3, 2, 3])
    y, = once("broadcast", [x, [[2, 3], [4, 5]]], [x.shape], fn="add", s_outer=1)
    np.testing.assert_array_equal(y.ravel(), [3, 4, 5, 6])


def test_reduce():
    x = [[[3.0], [-5], [3]], [[np.nan], [7], [np.nan]]]
    for fn, want in (("sum", 2), ("asum", 22), ("sumsq", 86)):
        y, = once("reduce", [x], [(2, 1)], fn=fn, coeff=2.0)
        np.testing.assert_array_equal(y, [[want], [np.nan]])
    np.testing.assert_array_equal(once("reduce", [x], [(2, 1)], fn="max", coeff=1.0)[0], [[3], [np.nan]])
    np.testing.assert_array_equal(once("reduce", [x], [(2, 1)], fn="argmax", coeff=1.0)[0], [[2], [2]])


def test_mvn():
    y, = once("mvn", [[[1, 3, 5, 7]]], [(1, 4)], variance=0, eps=1e-9)
    np.testing.assert_array_equal(y, [[-3, -1, 1, 3]])
    y, = once("mvn", [[[1, 3, 5, 7]]], [(1, 4)], variance=1, eps=0.0)
    np.testing.assert_allclose(y, np.array([[-3, -1, 1, 3]]) / np.sqrt(5), rtol=1e-6)


def test_norm():
    y, = once("norm", [[[[3.0], [4]]]], [(1, 2, 1)], {"scale": [10, 20]}, guard=0, eps=0.0)
    np.testing.assert_array_equal(y.ravel(), [6, 16])
    y, = once("norm", [[[[3.0], [4]]]], [(1, 2, 1)], guard=0, eps=75.0)
    np.testing.assert_allclose(y.ravel(), [0.3, 0.4], rtol=1e-6)
    y, = once("norm", [[[[3.0], [4]]]], [(1, 2, 1)], guard=1, eps=25.0)
    np.testing.assert_array_equal(y.ravel(), [3, 4])


def test_interp():
    tables = {"y_low": np.int32([0, 0]), "y_high": np.int32([0, 1]), "y_part": np.float32([0, 0.25]),
              "x_low": np.int32([1]), "x_high": np.int32([2]), "x_part": np.float32([0.5])}
    y, = once("interp", [[[[1, 2, 4], [9, 10, 20]]]], [(1, 2, 1)], tables)
    np.testing.assert_array_equal(y.ravel(), [3, 6])


def test_scatter():
    y, = once("scatter", [[[1, 2, 3, 4]], [[2, 2, -1, 5]]], [(1, 5)])
    np.testing.assert_array_equal(y, [[0, 0, 2, 0, 0]])


def test_view_and_fill():
    y, = once("view", [[[1, 2], [3, 4]]], [(4,)])
    np.testing.assert_array_equal(y, [1, 2, 3, 4])
    y, = once("fill", [], [(2,)], {"value": [7, 8]})
    np.testing.assert_array_equal(y, [7, 8])


def part(dims, x_strides, y_strides, x_offset=0, y_offset=0, source=0):
    return {"input": source, "dims": dims, "x_strides": x_strides, "y_strides": y_strides, "x_offset": x_offset,
            "y_offset": y_offset}


def test_copy():
    y, = once("copy", [np.arange(6.0).reshape(2, 3), [9, 8]], [(8,)],
              parts=(part((3, 2), (1, 3), (2, 1)), part((2,), (1,), (-1,), 0, 7, 1)))
    np.testing.assert_array_equal(y, [0, 3, 1, 4, 2, 5, 8, 9])


@pytest.mark.parametrize("parts", [(part((2,), (1,), (1,)),), (part((3,), (1,), (1,)), part((1,), (1,), (1,)))])
def test_a_copy_writes_every_element_once(parts):
    with pytest.raises(ValueError, match="leaves elements out or writes them twice"):
        once("copy", [[1, 2, 3]], [(3,)], parts=parts)


def test_a_copy_stays_within_its_values():
    with pytest.raises(IndexError):
        once("copy", [[1, 2]], [(3,)], parts=(part((3,), (1,), (1,)),))


def test_rules_of_a_program():
    a, b = Value("a", (2,)), Value("b", (3,))
    build = Builder()
    build.op("unary", [a], [b], fn="abs", p0=0.0, p1=0.0, p2=0.0)
    with pytest.raises(ValueError, match=r"makes shape \(2,\) for %b\(3,\)"):
        interpret(Program(tuple(build.ops), (a,), (b,)), [[1, 2]])
    with pytest.raises(ValueError, match="reads %a"):
        interpret(Program(tuple(build.ops), (), (b,)), [])
    with pytest.raises(ValueError, match=r"input %a\(2,\) is given an array of shape \(1,\)"):
        interpret(Program(tuple(build.ops), (a,), (b,)), [[1]])
    twice = Builder()
    twice.op("view", [a], [a])
    with pytest.raises(ValueError, match="writes %a.*, which is there already"):
        interpret(Program(tuple(twice.ops), (a,), (a,)), [[1, 2]])


def test_all_values_are_float32():
    a, b = Value("a", (1,)), Value("b", (1,))
    build = Builder()
    build.op("unary", [a], [b], fn="exp", p0=1.0, p1=0.0, p2=0.0)
    values = interpret_all(Program(tuple(build.ops), (a,), (b,)), [np.array([100.0])])
    assert values[b].dtype == np.float32 and np.isinf(values[b])
