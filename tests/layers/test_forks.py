"""Single layers of forks: BN, depthwise and masked layers, Lstm, Axpy, L2Normalization, activations, data types."""

import numpy as np
import pytest

from scalpel_rt.errors import GraphError, ShapeError

from .harness import lowers, make, run

rng = np.random.default_rng(13)


def draw(*shape):
    return rng.normal(size=shape).astype(np.float32)


# -- BN --------------------------------------------------------------------------------------------------------

def bn(more, tops=1, phase="TEST", extra=""):
    return make('type: "BN" bottom: "x" ' + "".join(f'top: "t{i}" ' for i in range(tops))
                + f"bn_param {{ {more} }} {extra}", phase)


def along(v):
    return np.asarray(v, np.float64).reshape(1, -1, 1, 1)


def test_bn_of_pspnet_uses_its_stored_statistics():
    x, slope, bias, mean = draw(2, 3, 4, 5), draw(3), draw(3), draw(3)
    variance = rng.random(3).astype(np.float32) + 0.1
    params = [p.reshape(1, 3, 1, 1) for p in (slope, bias, mean, variance)]
    layer = bn("slope_filler {} bias_filler {} eps: 0.01")
    got, = run(layer, x, params=params)
    want = (x - along(mean)) / np.sqrt(along(variance) + 0.01) * along(slope) + along(bias)
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)
    assert lowers(layer, x, params=params)
    np.testing.assert_array_equal(run(bn("frozen: true eps: 0.01", phase="TRAIN"), x, params=params)[0], got)
    trained, = run(bn("frozen: false", phase="TRAIN"), x, params=params)
    want = (x - x.mean((0, 2, 3), keepdims=True)) / np.sqrt(x.var((0, 2, 3), keepdims=True) + 1e-5)
    np.testing.assert_allclose(trained, want * along(slope) + along(bias), rtol=1e-4, atol=1e-4)


def test_bn_of_segnet_scales_and_shifts():
    x, scale, shift = draw(2, 3, 4, 5), draw(1, 3, 1, 1), draw(1, 3, 1, 1)
    layer = bn("scale_filler {} shift_filler {} bn_mode: INFERENCE")
    np.testing.assert_allclose(run(layer, x, params=[scale, shift])[0], x * scale + shift, rtol=1e-5, atol=1e-6)
    assert lowers(layer, x, params=[scale, shift])


def test_bn_of_segnet_learns_from_the_batch_even_in_a_test():
    x, scale, shift = draw(2, 3, 4, 5), draw(1, 3, 1, 1), draw(1, 3, 1, 1)
    layer = bn("scale_filler {} shift_filler {}", tops=3)
    got, mean, variance = run(layer, x, params=[scale, shift])
    np.testing.assert_allclose(mean, x.mean((0, 2, 3), keepdims=True), atol=1e-6)
    np.testing.assert_allclose(variance, x.var((0, 2, 3), keepdims=True), rtol=1e-5)
    np.testing.assert_allclose(got, (x - mean) / np.sqrt(variance) * scale + shift, rtol=1e-4, atol=1e-5)
    assert not lowers(layer, x, params=[scale, shift])


def test_bn_tells_its_kinds_apart():
    assert len(bn("").param_shapes([(1, 3, 2, 2)])) == 2
    assert len(bn("", extra="param {} " * 4).param_shapes([(1, 3, 2, 2)])) == 4
    with pytest.raises(GraphError, match="momentum.*bn_mode"):
        bn("momentum: 0.9 bn_mode: LEARN")


# -- depthwise -------------------------------------------------------------------------------------------------

def test_convolution_depthwise_is_a_convolution_with_groups():
    x, w, b = draw(2, 4, 5, 6), draw(4, 1, 3, 3), draw(4)
    params = "num_output: 4 kernel_size: 3 pad: 1 stride: 2"
    own = f'type: "ConvolutionDepthwise" bottom: "x" top: "y" convolution_param {{ {params} }}'
    grouped = f'bottom: "x" top: "y" convolution_param {{ {params} group: 4 }}'
    got, = run(own, x, params=[w, b])
    np.testing.assert_array_equal(got, run('type: "Convolution" ' + grouped, x, params=[w, b])[0])
    np.testing.assert_array_equal(got, run('type: "DepthwiseConvolution" ' + grouped, x, params=[w, b])[0])
    assert lowers(own, x, params=[w, b])
    with pytest.raises(ShapeError, match=r"num_output 4 .* 3 in a bottom of shape \(2, 3, 5, 6\)"):
        make(own).shapes([(2, 3, 5, 6)])


# -- masks -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("more, masks", [("", 2), ("inter_iter: 5", 1)])
def test_masked_convolution(more, masks):
    x, w, b = draw(1, 2, 5, 5), draw(3, 2, 3, 3), draw(3)
    mask_w, mask_b = rng.integers(0, 2, w.shape), rng.integers(0, 2, 3)
    plain = 'bottom: "x" top: "y" convolution_param { num_output: 3 kernel_size: 3 }'
    text = f'type: "CConvolution" {plain} cconvolution_param {{ {more} }}'
    params = [w, b, mask_w, mask_b][:2 + masks]
    got, = run(text, x, params=params)
    bias = b * mask_b if masks == 2 else b
    np.testing.assert_array_equal(got, run('type: "Convolution" ' + plain, x, params=[w * mask_w, bias])[0])
    assert lowers(text, x, params=params)
    layer = make(text)
    assert [f.value for f in layer.fillers()[2:]] == [1] * masks
    assert layer.multiply_adds([x.shape], [(1, 3, 3, 3)], [p.shape for p in params]) == 9 * 3 * 18


def test_masked_inner_product_without_bias():
    x, w, mask = draw(2, 4), draw(3, 4), rng.integers(0, 2, (3, 4))
    text = ('type: "CInnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 3 bias_term: false } '
            "cinner_product_param { c_rate: 2 weight_mask_filler { value: 0.5 } }")
    got, = run(text, x, params=[w, mask])
    np.testing.assert_allclose(got, x @ (w * mask).T, rtol=1e-5, atol=1e-6)
    assert make(text).fillers()[1].value == 0.5


# -- Lstm ------------------------------------------------------------------------------------------------------

def test_lstm_of_junhyukoh_is_bvlcs_with_the_blobs_in_another_order():
    steps, n, d, i = 4, 3, 5, 2
    x, cont = draw(steps, n, i), rng.integers(0, 2, (steps, n))
    w_x, w_h, b = draw(4 * d, i), draw(4 * d, d), draw(4 * d)
    own = make(f'type: "Lstm" bottom: "x" bottom: "clip" top: "h" lstm_param {{ num_output: {d} batch_size: {n} }}')
    bvlc = make(f'type: "LSTM" bottom: "x" bottom: "cont" top: "h" recurrent_param {{ num_output: {d} }}')
    mine, theirs = own.initial_state(), bvlc.initial_state()
    for _ in range(2):                              # the state lives on
        got, = run(own, x.reshape(steps * n, i), cont.ravel(), params=[w_x, w_h, b], state=mine)
        want, = run(bvlc, x, cont, params=[w_x, b, w_h], state=theirs)
        np.testing.assert_allclose(got.reshape(steps, n, d), want, atol=1e-6)


def test_lstm_of_junhyukoh_without_clip_forgets():
    layer = make('type: "Lstm" bottom: "x" top: "h" lstm_param { num_output: 3 }')
    x, params = draw(4, 2), [draw(12, 2), draw(12, 3), draw(12)]
    state = layer.initial_state()
    first, = run(layer, x, params=params, state=state)
    np.testing.assert_array_equal(run(layer, x, params=params, state=state)[0], first)
    with pytest.raises(ShapeError, match="batch_size 2"):
        make('type: "Lstm" lstm_param { num_output: 3 batch_size: 2 }').shapes([(5, 2)])


# -- the rest --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("scale_shape", [(2, 3), (2, 3, 1, 1)])
def test_axpy(scale_shape):
    a, x, y = draw(*scale_shape), draw(2, 3, 4, 5), draw(2, 3, 4, 5)
    text = 'type: "Axpy" bottom: "a" bottom: "x" bottom: "y" top: "z"'
    np.testing.assert_allclose(run(text, a, x, y)[0], a.reshape(2, 3, 1, 1) * x + y, rtol=1e-6, atol=1e-6)
    assert lowers(text, a, x, y)
    with pytest.raises(ShapeError, match=r"\(2, 4\)"):
        make(text).shapes([(2, 4), (2, 3, 4, 5), (2, 3, 4, 5)])


def test_l2_normalization():
    x = draw(2, 3, 4)
    x[0, :, 1] = 0
    got, = run('type: "L2Normalization" bottom: "x" top: "y"', x)
    lengths = np.sqrt((got ** 2).sum(axis=1))
    assert lengths[0, 1] == 0
    lengths[0, 1] = 1
    np.testing.assert_allclose(lengths, 1, rtol=1e-6)
    whole, = run('type: "L2Normalization" bottom: "x" top: "y" l2n_param { is_global: true }', x)
    np.testing.assert_allclose(whole, x / np.sqrt((x ** 2).sum()), rtol=1e-6)
    small, = run('type: "L2Normalization" bottom: "x" top: "y" l2n_param { is_global: true eps: 1e6 }', x)
    np.testing.assert_array_equal(small, x)


@pytest.mark.parametrize("kind, want", [
    ("ReLU6", lambda x: np.clip(x, 0, 6)), ("Mish", lambda x: x * np.tanh(np.log1p(np.exp(x)))),
    ("HSwish", lambda x: x * np.clip(x + 3, 0, 6) / 6),
])
def test_activations(kind, want):
    x = np.linspace(-10, 10, 41)
    text = f'type: "{kind}" bottom: "x" top: "y"'
    np.testing.assert_allclose(run(text, x)[0], want(x), rtol=1e-5, atol=1e-6)
    assert lowers(text, x)


def test_segnets_class_weights():
    x, labels = draw(4, 2), [0, 1, 1, 0]
    plain, = run('type: "SoftmaxWithLoss" bottom: "x" bottom: "l" top: "y"', x, labels)
    weighted, = run('type: "SoftmaxWithLoss" bottom: "x" bottom: "l" top: "y" loss_param { '
                    "weight_by_label_freqs: true class_weighting: 3 class_weighting: 3 }", x, labels)
    assert weighted == pytest.approx(3 * plain, rel=1e-6)
    with pytest.raises(ShapeError, match="2 classes"):
        make('type: "SoftmaxWithLoss" loss_param { weight_by_label_freqs: true class_weighting: 3 }').shapes(
            [(4, 2), (4,)])


def test_implicit_takes_anything():
    assert run('type: "implicit" bottom: "a" bottom: "b"', draw(2), draw(3, 4)) == []


def test_hard_sigmoid():
    text = 'type: "HardSigmoid" bottom: "x" top: "y" hardsigmoid_param { alpha: 0.25 }'
    np.testing.assert_allclose(run(text, [-3, -1, 0, 1, 3])[0], [0, 0.25, 0.5, 0.75, 1])
    assert lowers(text, [1])


def test_spatial_dropout_is_a_copy():
    x = draw(1, 2, 3, 3)
    np.testing.assert_array_equal(run('type: "SpatialDropout" bottom: "x" top: "y"', x)[0], x)


def test_masked_depthwise_convolution():
    x, w, b = draw(1, 3, 5, 5), draw(3, 1, 3, 3), draw(3)
    mask = rng.integers(0, 2, w.shape)
    plain = 'bottom: "x" top: "y" convolution_param { num_output: 3 kernel_size: 3 }'
    got, = run(f'type: "CConvolutionDepthwise" {plain}', x, params=[w, b, mask])
    np.testing.assert_array_equal(got, run(f'type: "ConvolutionDepthwise" {plain}', x, params=[w * mask, b])[0])
