"""Convolution, Deconvolution, Im2col, InnerProduct against plain loops."""

import itertools

import numpy as np
import pytest

from scalpel_rt.errors import GraphError, ShapeError

from .harness import assert_close, kinds, make, run

CONV = 'type: "Convolution" bottom: "x" top: "y" convolution_param {{ {} }}'
DECONV = 'type: "Deconvolution" bottom: "x" top: "y" convolution_param {{ {} }}'


def numbers(*shape, seed=0):
    return np.random.default_rng((seed, *shape)).standard_normal(shape).astype(np.float32)


def correlate(x, w, b, stride, pad, dilation, group, out):
    """x (N, C, *spatial), w (M, C/group, *kernel): one product at a time."""
    y = np.zeros((x.shape[0], w.shape[0], *out))
    per = w.shape[0] // group
    for n, m in np.ndindex(y.shape[:2]):
        for o in np.ndindex(*out):
            for c, *k in np.ndindex(*w.shape[1:]):
                at = [i * s - p + d * j for i, s, p, d, j in zip(o, stride, pad, dilation, k, strict=True)]
                if all(0 <= a < size for a, size in zip(at, x.shape[2:], strict=True)):
                    y[(n, m, *o)] += float(w[(m, c, *k)]) * float(x[(n, m // per * w.shape[1] + c, *at)])
    return y + np.reshape(b, (-1, *[1] * len(out)))


@pytest.mark.parametrize("kernel, stride, pad, dilation, group", [
    ((3, 3), (1, 1), (0, 0), (1, 1), 1),
    ((3, 3), (1, 1), (1, 1), (1, 1), 2),
    ((1, 1), (2, 3), (0, 0), (1, 1), 1),
    ((1, 1), (1, 1), (2, 1), (1, 1), 4),
    ((2, 5), (3, 2), (4, 6), (1, 1), 1),
    ((3, 2), (2, 1), (3, 0), (2, 4), 2),
    ((5, 6), (1, 1), (0, 0), (1, 1), 1),
    ((2, 2), (7, 7), (1, 1), (1, 1), 1),
])
def test_convolution_of_images(kernel, stride, pad, dilation, group):
    text = CONV.format(" ".join([
        "num_output: 4", f"group: {group}", *(f"kernel_size: {k}" for k in kernel), *(f"stride: {s}" for s in stride),
        *(f"pad: {p}" for p in pad), *(f"dilation: {d}" for d in dilation)]))
    x, w, b = numbers(2, 4, 5, 6), numbers(4, 4 // group, *kernel), numbers(4)
    got, = run(text, x, params=[w, b])
    assert kinds(text, x, params=[w, b]) == ["conv"]
    assert_close(got, correlate(x, w, b, stride, pad, dilation, group, got.shape[2:]))


@pytest.mark.parametrize("spatial, kernel", [((7,), (3,)), ((4, 3, 5), (2, 3, 1)), ((2, 3, 2, 3), (1, 2, 2, 3))])
def test_convolution_over_any_number_of_axes(spatial, kernel):
    text = CONV.format("num_output: 3 pad: 1 stride: 2 " + " ".join(f"kernel_size: {k}" for k in kernel))
    n = len(kernel)
    x, w, b = numbers(2, 2, *spatial), numbers(3, 2, *kernel), numbers(3)
    got, = run(text, x, params=[w, b])
    assert_close(got, correlate(x, w, b, (2,) * n, (1,) * n, (1,) * n, 1, got.shape[2:]))
    assert kinds(text, x, params=[w, b]) == (["conv"] if n < 3 else None)


def test_axes_of_one_that_nothing_moves_along_are_left_out_for_the_runtime():
    text = CONV.format("num_output: 2 kernel_size: 1 kernel_size: 3 kernel_size: 3")
    x, w, b = numbers(1, 2, 1, 4, 5), numbers(2, 2, 1, 3, 3), numbers(2)
    assert kinds(text, x, params=[w, b]) == ["conv"]
    run(text, x, params=[w, b])


def test_convolution_without_spatial_axes_is_a_map_at_each_position():
    x, w, b = numbers(2, 3, 4), numbers(5, 4), numbers(5)
    got, = run(CONV.format("num_output: 5 axis: -1"), x, params=[w, b])
    assert_close(got, x @ w.T + b)


def test_axes_before_the_channels_are_a_batch():
    x, w, b = numbers(2, 3, 4, 5, 6), numbers(2, 4, 3, 3), numbers(2)
    got, = run(CONV.format("num_output: 2 kernel_size: 3 axis: 2"), x, params=[w, b])
    flat, = run(CONV.format("num_output: 2 kernel_size: 3"), x.reshape(6, 4, 5, 6), params=[w, b])
    np.testing.assert_array_equal(got, flat.reshape(2, 3, 2, 3, 4))


def test_several_pairs_share_the_weights():
    text = ('type: "Convolution" bottom: "a" bottom: "b" top: "c" top: "d" '
            'convolution_param { num_output: 2 kernel_size: 2 bias_term: false }')
    a, b, w = numbers(1, 2, 3, 3, seed=1), numbers(1, 2, 3, 3, seed=2), numbers(2, 2, 2, 2)
    for got, x in zip(run(text, a, b, params=[w]), (a, b), strict=True):
        assert_close(got, correlate(x, w, [0, 0], (1, 1), (0, 0), (1, 1), 1, (2, 2)))
    with pytest.raises(ShapeError, match=r"\(1, 2, 3, 3\) and \(1, 2, 3, 4\)"):
        make(text).shapes([(1, 2, 3, 3), (1, 2, 3, 4)])
    with pytest.raises(GraphError, match="not 1 and 2"):
        make(text).check_counts(2, 1)


def test_size_is_rounded_towards_zero_as_c_does():
    text = CONV.format("num_output: 1 kernel_size: 3 stride: 2 bias_term: false")
    x, w = numbers(1, 1, 2, 2), numbers(1, 1, 3, 3)
    got, = run(text, x, params=[w])
    assert_close(got, [[[[(x[0, 0] * w[0, 0, :2, :2]).sum()]]]])
    assert kinds(text, x, params=[w]) is None           # the window reaches out of the image: no word for that
    assert make(text).shapes([(1, 1, 1, 3)]) == [(1, 1, 0, 1)]


def test_sums_are_exact_where_float32_would_lose_them():
    x = np.ones((1, 3, 1, 1), np.float32)
    x[0, :, 0, 0] = 1e8, 1, -1e8
    got, = run(CONV.format("num_output: 1 kernel_size: 1 bias_term: false"), x, params=[np.ones((1, 3, 1, 1))])
    assert got.item() == 1
    got, = run('type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 1 bias_term: false }', x,
               params=[np.ones((1, 3))])
    assert got.item() == 1


def test_absurd_padding_takes_no_memory():
    far = 1 << 28
    text = CONV.format(f"num_output: 1 kernel_size: 1 pad: {far} stride: {far} bias_term: false")
    got, = run(text, np.full((1, 1, 1, 1), 3.0), params=[[[[[2.0]]]]])
    want = np.zeros((1, 1, 3, 3))
    want[0, 0, 1, 1] = 6
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("text, words", [
    ("kernel_size: 3", "num_output must be at least 1, not 0"),
    ("num_output: 4 kernel_size: 0", "kernel_size must be at least 1, not 0"),
    ("num_output: 4 kernel_h: 3", "kernel_w must be at least 1, not 0"),
    ("num_output: 4 kernel_size: 3 stride_h: 2", "stride_w must be at least 1, not 0"),
    ("num_output: 4 kernel_size: 3 stride: 0", "stride must be at least 1, not 0"),
    ("num_output: 4 kernel_size: 3 dilation: 0", "dilation must be at least 1, not 0"),
    ("num_output: 4 kernel_size: 3 kernel_h: 3", "kernel_size .* together with kernel_h, kernel_w"),
    ("num_output: 3 kernel_size: 3 group: 2", "num_output 3 is not a multiple of group 2"),
    ("num_output: 3 kernel_size: 3 group: 0", "group must be at least 1, not 0"),
])
def test_bad_parameters(text, words):
    with pytest.raises(GraphError, match=words):
        make(CONV.format(text))


@pytest.mark.parametrize("text, shape, words", [
    ("num_output: 4", (1, 2, 5, 5), "kernel_size .* is missing"),
    ("num_output: 4 kernel_size: 3 kernel_size: 3", (1, 2, 5), r"2 values of kernel_size for 1 spatial .*\(1, 2, 5\)"),
    ("num_output: 4 kernel_h: 3 kernel_w: 3", (1, 2, 5, 5, 5), "2 values of kernel_size for 3 spatial"),
    ("num_output: 4 kernel_size: 7", (1, 2, 9, 5), r"kernel of 7.* input of 5 .*\(7, 7\).*\(1, 2, 9, 5\)"),
    ("num_output: 4 kernel_size: 3 group: 2", (1, 3, 5, 5), "3 channels are not a multiple of group 2"),
    ("num_output: 4 kernel_size: 3 axis: 4", (1, 3, 5, 5), "axis 4 is out of range"),
])
def test_bottoms_that_do_not_fit(text, shape, words):
    with pytest.raises(GraphError, match=words):
        make(CONV.format(text)).shapes([shape])


@pytest.mark.parametrize("kernel, stride, pad, dilation, group", list(itertools.product(
    [(3, 2)], [(1, 1), (2, 3), (5, 4)], [(0, 0), (1, 2)], [(1, 1), (2, 1)], [1, 2])))
def test_deconvolution_is_the_adjoint_of_convolution(kernel, stride, pad, dilation, group):
    """<conv(x), z> == <x, deconv(z)> for the same weights, whatever x and z."""
    spatial = ("pad_h: {} pad_w: {} stride_h: {} stride_w: {} kernel_h: {} kernel_w: {} ".format(*pad, *stride, *kernel)
               + "dilation: {} dilation: {} group: {}".format(*dilation, group))
    w, z = numbers(4, 4 // group, *kernel), numbers(2, 4, 3, 4)
    up, = run(DECONV.format("num_output: 4 bias_term: false " + spatial), z, params=[w])
    x = numbers(*up.shape, seed=3)
    down, = run(CONV.format("num_output: 4 bias_term: false " + spatial), x, params=[w])
    assert down.shape == z.shape
    np.testing.assert_allclose(np.vdot(down.astype(float), z), np.vdot(x.astype(float), up), rtol=1e-5, atol=1e-4)


def test_deconvolution_adds_the_bias_where_no_pixel_reaches():
    got, = run(DECONV.format("num_output: 1 kernel_size: 1 stride: 2"), np.full((1, 1, 2, 2), 2.0),
               params=[[[[[3.0]]]], [0.5]])
    np.testing.assert_array_equal(got[0, 0], [[6.5, 0.5, 6.5], [0.5, 0.5, 0.5], [6.5, 0.5, 6.5]])


def test_deconvolution_cannot_crop_more_than_there_is():
    with pytest.raises(ShapeError, match="pad 3 crops more than an input of 2"):
        make(DECONV.format("num_output: 1 kernel_size: 2 pad: 3")).shapes([(1, 1, 2, 2)])


def test_multiply_adds():
    conv = make(CONV.format("num_output: 4 kernel_size: 3 group: 2"))
    assert conv.multiply_adds([(2, 4, 5, 6)], [(2, 4, 3, 4)], [(4, 2, 3, 3), (4,)]) == 2 * 4 * 12 * 2 * 9
    deconv = make(DECONV.format("num_output: 4 kernel_size: 3"))
    assert deconv.multiply_adds([(2, 3, 5, 6)], [(2, 4, 7, 8)], [(3, 4, 3, 3), (4,)]) == 2 * 3 * 30 * 4 * 9


@pytest.mark.parametrize("pad, kind", [(0, ["copy"]), (1, None)])
def test_im2col_lays_out_what_a_convolution_multiplies(pad, kind):
    param = f"kernel_h: 2 kernel_w: 3 stride: 2 dilation: 1 dilation: 2 pad: {pad}"
    text = f'type: "Im2col" bottom: "x" top: "y" convolution_param {{ {param} }}'
    x, w = numbers(2, 3, 6, 7), numbers(4, 3, 2, 3)
    columns, = run(text, x)
    assert columns.shape[1] == 3 * 6 and kinds(text, x) == kind
    conv, = run(CONV.format(f"num_output: 4 bias_term: false {param}"), x, params=[w])
    assert_close(np.einsum("mk,nkhw->nmhw", w.reshape(4, 18).astype(float), columns), conv)


@pytest.mark.parametrize("shape, axis, matrix", [
    ((2, 3, 4), 1, (2, 12)), ((2, 3, 4), 2, (6, 4)), ((2, 3, 4), -1, (6, 4)), ((2, 3, 4), 0, (1, 24)),
    ((5,), 0, (1, 5))])
@pytest.mark.parametrize("transpose", [False, True])
def test_inner_product(shape, axis, matrix, transpose):
    text = (f'type: "InnerProduct" bottom: "x" top: "y" '
            f'inner_product_param {{ num_output: 7 axis: {axis} transpose: {str(transpose).lower()} }}')
    x, w, b = numbers(*shape), numbers(7, matrix[1]), numbers(7)
    params = [w.T if transpose else w, b]
    got, = run(text, x, params=params)
    assert got.shape == (*shape[:axis if axis >= 0 else axis + len(shape)], 7)
    assert_close(got.reshape(-1, 7), x.reshape(matrix).astype(float) @ w.T + b)
    assert kinds(text, x, params=params) == ["fc"]


def test_inner_product_of_an_empty_batch():
    got, = run('type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 2 bias_term: false }',
               np.zeros((0, 3)), params=[numbers(2, 3)])
    assert got.shape == (0, 2)
