"""Layers that are a function of each element: formulas, special values, parameters."""

import math

import numpy as np
import pytest

from scalpel_rt.errors import GraphError, ShapeError

from .harness import assert_close, kinds, make, run

X = np.array([-90, -20, -3.5, -1, -0.25, 0.25, 1, 2.5, 20, 90], np.float32)
POSITIVE = X[X > 0]


def one(kind, param="", x=X):
    return run(f'type: "{kind}" bottom: "x" top: "y" {param}', x)[0]


@pytest.mark.parametrize("kind, param, f", [
    ("ReLU", "", lambda x: max(x, 0)),
    ("ReLU", "relu_param { negative_slope: 0.25 }", lambda x: x if x > 0 else 0.25 * x),
    ("ReLU", "relu_param { negative_slope: -2 engine: CUDNN }", lambda x: x if x > 0 else -2 * x),
    ("ELU", "", lambda x: x if x > 0 else math.exp(x) - 1),
    ("ELU", "elu_param { alpha: 0.5 }", lambda x: x if x > 0 else 0.5 * (math.exp(x) - 1)),
    ("Sigmoid", "", lambda x: 1 / (1 + math.exp(-x))),
    ("TanH", "", math.tanh),
    ("AbsVal", "", abs),
    ("BNLL", "", lambda x: math.log1p(math.exp(x))),
    ("Swish", "", lambda x: x / (1 + math.exp(-x))),
    ("Swish", "swish_param { beta: 0.5 }", lambda x: x / (1 + math.exp(-0.5 * x))),
    ("Clip", "clip_param { min: -2 max: 1.5 }", lambda x: min(max(x, -2), 1.5)),
    ("Clip", "", lambda x: 0),
    ("Threshold", "", lambda x: x > 0),
    ("Threshold", "threshold_param { threshold: 1 }", lambda x: x > 1),
    ("Power", "", lambda x: x),
    ("Power", "power_param { scale: 2 shift: -3 }", lambda x: 2 * x - 3),
    ("Power", "power_param { scale: 0 shift: -3 }", lambda x: -3),
    ("Power", "power_param { power: 3 scale: -0.5 }", lambda x: (-0.5 * x) ** 3),
    ("Power", "power_param { power: -2 }", lambda x: x ** -2),
    ("Power", "power_param { power: 0 scale: 2 shift: 5 }", lambda x: 1),
    ("Power", "power_param { power: 2 scale: 0 shift: 5 }", lambda x: 25),
    ("Exp", "exp_param { scale: 0.5 }", lambda x: math.exp(0.5 * x)),
    ("Exp", "exp_param { base: 2 scale: 0.25 shift: 3 }", lambda x: 2 ** (3 + 0.25 * x)),
    ("Exp", "exp_param { base: 1 scale: 0.25 shift: 3 }", lambda x: 1),
])
@pytest.mark.parametrize("shape", [(10,), (1, 10), (5, 1, 2), (1, 5, 2, 1, 1)])
def test_formula(kind, param, f, shape):
    x = X.reshape(shape)
    assert_close(one(kind, param, x), np.array([f(float(v)) for v in X]).reshape(shape))


@pytest.mark.parametrize("kind, param, f", [
    ("Log", "", math.log),
    ("Log", "log_param { base: 2 scale: 4 shift: 1 }", lambda x: math.log2(4 * x + 1)),
    ("Log", "log_param { base: 0.5 }", lambda x: -math.log2(x)),
    ("Power", "power_param { power: 0.5 }", math.sqrt),
])
def test_formula_of_positive_numbers(kind, param, f):
    assert_close(one(kind, param, POSITIVE), [f(float(v)) for v in POSITIVE])


NAN, INF = math.nan, math.inf


@pytest.mark.parametrize("kind, param, x, want", [
    ("ReLU", "", [NAN, INF, -INF, -0.0], [NAN, INF, NAN, -0.0]),            # 0 * -inf
    ("ReLU", "relu_param { negative_slope: 0.5 }", [NAN, INF, -INF], [NAN, INF, -INF]),
    ("ELU", "", [NAN, INF, -INF], [NAN, INF, -1]),
    ("Sigmoid", "", [NAN, INF, -INF, 1000, -1000], [NAN, 1, 0, 1, 0]),
    ("TanH", "", [NAN, INF, -INF], [NAN, 1, -1]),
    ("AbsVal", "", [NAN, INF, -INF, -0.0], [NAN, INF, INF, 0.0]),
    ("BNLL", "", [NAN, INF, -INF, 1000, -1000], [NAN, INF, 0, 1000, 0]),
    ("Swish", "", [NAN, INF, -INF], [NAN, INF, NAN]),
    ("Clip", "clip_param { min: -1 max: 2 }", [NAN, INF, -INF], [-1, 2, -1]),
    ("Threshold", "", [NAN, INF, -INF, 0], [0, 1, 0, 0]),
    ("Power", "power_param { power: 0.5 }", [-1, 0, INF], [NAN, 0, INF]),
    ("Power", "power_param { power: -1 }", [0.0, INF], [INF, 0]),
    ("Power", "power_param { power: 0 }", [NAN], [1]),
    ("Exp", "", [NAN, INF, -INF, 1000], [NAN, INF, 0, INF]),
    ("Log", "", [NAN, INF, 0, -1], [NAN, INF, -INF, NAN]),
])
def test_special_values(kind, param, x, want):
    got, want = one(kind, param, np.array(x, np.float32)), np.array(want, np.float32)
    np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(np.signbit(got[~np.isnan(want)]), np.signbit(want[~np.isnan(want)]))


@pytest.mark.parametrize("text, words", [
    ('type: "Exp" exp_param { base: 0 }', "base must be positive, or -1 for e, not 0"),
    ('type: "Exp" exp_param { base: -2 }', "base must be positive"),
    ('type: "Log" log_param { base: -2 }', "base must be positive"),
    ('type: "Log" log_param { base: 1 }', "base 1 has no logarithm"),
])
def test_bad_parameters(text, words):
    with pytest.raises(GraphError, match=words):
        make(text)


def test_a_linear_power_can_be_folded_into_its_neighbours():
    """As an affine step per channel; the identity is no step at all."""
    x = np.ones((2, 3, 4), np.float32)
    assert kinds('type: "Power" bottom: "x" top: "y" power_param { scale: 2 shift: 1 }', x) == ["affine"]
    assert kinds('type: "Power" bottom: "x" top: "y"', x) == []
    assert kinds('type: "Power" bottom: "x" top: "y" power_param { power: 2 }', x) == ["unary"]


PRELU = 'type: "PReLU" bottom: "x" top: "y" prelu_param {{ {} }}'


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4), (2, 3, 2, 2)])
def test_prelu_has_a_slope_for_each_channel(shape):
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    slope = np.array([0.5, -1, 0], np.float32)
    got, = run(PRELU.format(""), x, params=[slope])
    assert_close(got, np.where(x > 0, x, x * slope.reshape(1, 3, *[1] * (len(shape) - 2))))
    assert kinds(PRELU.format(""), x, params=[slope]) == ["affine"]
    shared, = run(PRELU.format("channel_shared: true"), x, params=[0.5])
    assert_close(shared, np.where(x > 0, x, x * 0.5))


def test_prelu_starts_at_a_quarter():
    filler, = make(PRELU.format("")).fillers()
    assert (filler.type, filler.value) == ("constant", 0.25)
    filler, = make(PRELU.format("filler { value: 0.5 }")).fillers()
    assert filler.value == 0.5


def test_prelu_needs_channels():
    with pytest.raises(ShapeError, match=r"at least 2 axes, its shape is \(3,\)"):
        make(PRELU.format("")).shapes([(3,)])


DROPOUT = 'type: "Dropout" bottom: "x" top: "y" dropout_param {{ dropout_ratio: {} }}'


def test_dropout_copies_in_test():
    np.testing.assert_array_equal(one("Dropout", "dropout_param { dropout_ratio: 0.9 }"), X)
    assert kinds(DROPOUT.format(0), X) == kinds(DROPOUT.format(1), X) == []


def test_dropout_of_a_layer_in_phase_train():
    layer, x = make(DROPOUT.format(0.25), "TRAIN"), np.full(4000, 3, np.float32)
    state = layer.initial_state()
    first, second = (run(layer, x, state=state)[0] for _ in range(2))
    assert set(np.unique(first)) == {0.0, 4.0} and (first != second).any()
    assert abs((first == 0).mean() - 0.25) < 0.03
    with pytest.raises(GraphError, match="dropout_ratio must be .* not 1"):
        make(DROPOUT.format(1), "TRAIN")
