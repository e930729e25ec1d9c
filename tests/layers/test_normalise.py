"""BatchNorm, Scale, Bias, LRN, MVN, Softmax: formulas, axes, the shapes of what is learnt."""

import numpy as np
import pytest

from scalpel_rt.errors import GraphError, ShapeError

from .harness import assert_close, kinds, make, run


def numbers(*shape, seed=0):
    return np.random.default_rng((seed, *shape)).standard_normal(shape).astype(np.float32)


BN = 'type: "BatchNorm" bottom: "x" top: "y" batch_norm_param {{ {} }}'


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4), (1, 3, 2, 2), (2, 3, 1, 2, 2)])
def test_batch_norm_by_stored_statistics(shape):
    x, mean, variance = numbers(*shape), np.array([1, -2, 0.5]), np.array([1, 4, 0.25])
    got, = run(BN.format("eps: 0.5"), x, params=[10 * mean, 10 * variance, [10]])
    to = (1, 3, *[1] * (len(shape) - 2))
    assert_close(got, (x - mean.reshape(to)) / np.sqrt(variance.reshape(to) + 0.5))
    assert kinds(BN.format(""), x, params=[mean, variance, [1]]) == ["affine"]


def test_batch_norm_whose_number_is_zero_has_no_statistics():
    got, = run(BN.format(""), np.ones((1, 2)), params=[[5, 5], [7, 7], [0]])
    assert_close(got, np.full((1, 2), 1e-5 ** -0.5))


def test_batch_norm_by_the_batch_leaves_its_weights_alone():
    x = numbers(4, 3, 5)
    params = [np.ones(3), np.ones(3), [1]]
    for text, phase in ((BN.format("use_global_stats: false"), "TEST"), (BN.format(""), "TRAIN")):
        layer = make(text, phase)
        got, = run(layer, x, params=params)                    # run checks that params stay as they are
        assert_close(got, (x - x.mean((0, 2), keepdims=True)) / np.sqrt(x.var((0, 2), keepdims=True) + 1e-5), 1e-4)
    assert kinds(BN.format("use_global_stats: false"), x, params=params) is None


def test_batch_norm_needs_channels():
    with pytest.raises(ShapeError, match=r"at least 2 axes, its shape is \(3,\)"):
        make(BN.format("")).param_shapes([(3,)])


SCALE = 'type: "Scale" bottom: "x" top: "y" scale_param {{ {} }}'
BIAS = 'type: "Bias" bottom: "x" top: "y" bias_param {{ {} }}'


@pytest.mark.parametrize("text, shape, to", [
    ("", (3,), (1, 3, 1, 1)),
    ("axis: 0", (2,), (2, 1, 1, 1)),
    ("axis: -1", (5,), (1, 1, 1, 5)),
    ("num_axes: 2", (3, 4), (1, 3, 4, 1)),
    ("axis: 2 num_axes: -1", (4, 5), (1, 1, 4, 5)),
    ("axis: 0 num_axes: -1", (2, 3, 4, 5), (2, 3, 4, 5)),
    ("num_axes: 0", (), ()),
])
def test_scale_and_bias_lie_along_some_axes(text, shape, to):
    x, scale, bias = numbers(2, 3, 4, 5), numbers(*shape, seed=1), numbers(*shape, seed=2)
    assert_close(run(SCALE.format(text), x, params=[scale])[0], x * scale.reshape(to))
    assert_close(run(SCALE.format("bias_term: true " + text), x, params=[scale, bias])[0],
                 x * scale.reshape(to) + bias.reshape(to))
    assert_close(run(BIAS.format(text), x, params=[bias])[0], x + bias.reshape(to))
    assert kinds(SCALE.format(text), x, params=[scale]) == kinds(BIAS.format(text), x, params=[bias]) == ["affine"]


@pytest.mark.parametrize("text, shape, to", [
    ("", (3,), (1, 3, 1)), ("axis: 0", (2, 3), (2, 3, 1)), ("axis: -2", (3, 4), (1, 3, 4)), ("", (), ())])
def test_a_second_bottom_is_the_operand(text, shape, to):
    x, s, b = numbers(2, 3, 4), numbers(*shape, seed=1), numbers(*shape, seed=2)
    two = 'bottom: "x" bottom: "s" top: "y"'
    scale = f'type: "Scale" {two} scale_param {{ {text} bias_term: '
    assert_close(run(scale + "false }", x, s)[0], x * s.reshape(to))
    assert_close(run(scale + "true }", x, s, params=[b])[0], x * s.reshape(to) + b.reshape(to))
    bias = f'type: "Bias" {two} bias_param {{ {text} }}'
    assert_close(run(bias, x, s)[0], x + s.reshape(to))
    assert kinds(scale + "true }", x, s, params=[b]) == ["broadcast", "affine"]
    assert kinds(bias, x, s) == ["broadcast"]


def test_scale_and_bias_start_as_identity():
    assert [f.value for f in make(SCALE.format("bias_term: true")).fillers()] == [1, 0]
    assert [f.value for f in make(BIAS.format("")).fillers()] == [0]
    assert [f.value for f in make(SCALE.format("filler { value: 3 }")).fillers()] == [3]
    only_bias = make('type: "Scale" bottom: "x" bottom: "s" top: "y" '
                     'scale_param { bias_term: true bias_filler { value: 2 } }')
    assert [f.value for f in only_bias.fillers()] == [2]


def test_scale_errors():
    with pytest.raises(GraphError, match="num_axes must be at least -1, not -2"):
        make(SCALE.format("num_axes: -2"))
    with pytest.raises(ShapeError, match=r"num_axes 3 from axis 1 .* \(2, 3, 4\)"):
        make(SCALE.format("num_axes: 3")).shapes([(2, 3, 4)])
    with pytest.raises(ShapeError, match=r"axis 5 is out of range .* \(2, 3\)"):
        make(BIAS.format("axis: 5")).shapes([(2, 3)])
    two = make('type: "Scale" bottom: "x" bottom: "s" top: "y"')
    for operand in (4,), (3, 5), (3, 4, 1):
        with pytest.raises(ShapeError, match="second bottom, shape .* first, shape .*from axis 1"):
            two.shapes([(2, 3, 4), operand])


LRN = 'type: "LRN" bottom: "x" top: "y" lrn_param {{ {} }}'


@pytest.mark.parametrize("size, beta, k", [(5, 0.75, 1), (3, 0.5, 2), (1, 1, 1), (9, 0.75, 1), (2 ** 31 + 1, 0.75, 1)])
def test_lrn_across_channels(size, beta, k):
    x = numbers(2, 6, 3, 2)
    got, = run(LRN.format(f"local_size: {size} alpha: 0.3 beta: {beta} k: {k}"), x)
    half, want = size // 2, np.empty(x.shape)
    for c in range(6):
        square = (x[:, max(0, c - half):c + half + 1].astype(float) ** 2).sum(1)
        want[:, c] = x[:, c] * (k + 0.3 / size * square) ** -beta
    assert_close(got, want)


@pytest.mark.parametrize("size", [1, 3, 5, 21])
def test_lrn_within_a_channel_ignores_k(size):
    x = numbers(2, 2, 5, 6)
    got, = run(LRN.format(f"local_size: {size} alpha: 2 beta: 0.5 k: 7 norm_region: WITHIN_CHANNEL"), x)
    half, want = size // 2, np.empty(x.shape)
    for h, w in np.ndindex(5, 6):
        around = x[:, :, max(0, h - half):h + half + 1, max(0, w - half):w + half + 1].astype(float)
        want[:, :, h, w] = x[:, :, h, w] * (1 + 2 / size ** 2 * (around ** 2).sum((2, 3))) ** -0.5
    assert_close(got, want)


def test_lrn_errors():
    with pytest.raises(GraphError, match="local_size must be odd, not 4"):
        make(LRN.format("local_size: 4"))
    with pytest.raises(ShapeError, match=r"4 axes, its shape is \(2, 3\)"):
        make(LRN.format("")).shapes([(2, 3)])


MVN = 'type: "MVN" bottom: "x" top: "y" mvn_param {{ {} }}'


@pytest.mark.parametrize("across, axes", [("false", (2, 3)), ("true", (1, 2, 3))])
def test_mvn(across, axes):
    x = numbers(2, 3, 4, 5).astype(np.float64)
    centred = x - x.mean(axes, keepdims=True)
    got, = run(MVN.format(f"across_channels: {across} eps: 0.125"), x)
    assert_close(got, centred / (x.std(axes, keepdims=True) + 0.125))          # eps is added to the deviation itself
    got, = run(MVN.format(f"across_channels: {across} normalize_variance: false"), x)
    assert_close(got, centred)


def test_mvn_is_one_operation():
    x = numbers(2, 3, 4, 5)
    for more in ("", "normalize_variance: false", "across_channels: true"):
        assert kinds(MVN.format(more), x) == ["mvn"]


def test_mvn_makes_four_axes():
    assert run(MVN.format("across_channels: true"), numbers(2, 3))[0].shape == (2, 3, 1, 1)
    with pytest.raises(ShapeError, match="up to 4 axes"):
        make(MVN.format("")).shapes([(1, 2, 3, 4, 5)])


SOFTMAX = 'type: "Softmax" bottom: "x" top: "y" softmax_param {{ axis: {} }}'


@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1, -3])
def test_softmax(axis):
    x = 5 * numbers(2, 3, 4, 5)
    got, = run(SOFTMAX.format(axis), x)
    e = np.exp(x.astype(float))
    assert_close(got, e / e.sum(axis, keepdims=True))
    assert kinds(SOFTMAX.format(axis), x) == ["softmax"]


def test_softmax_does_not_overflow():
    assert_close(run(SOFTMAX.format(0), [3e38, 3e38, -3e38])[0], [0.5, 0.5, 0])
    assert np.isnan(run(SOFTMAX.format(0), [np.nan, 1])[0]).all()
