"""Pooling and SPP against plain loops that follow Caffe's words."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from scalpel_rt.errors import GraphError, ShapeError, UnsupportedError

from .harness import assert_close, kinds, make, run

LOWEST = -np.finfo(np.float32).max


def pooling(text, tops=1):
    return f'type: "Pooling" bottom: "x" {"".join(f"top: {chr(34)}y{i}{chr(34)} " for i in range(tops))} ' \
           f'pooling_param {{ {text} }}'


def pooled(x, kernel, stride, pad, ceil=True):
    """(maxima, places, averages) one window at a time."""
    size = []
    for h, k, s, p in zip(x.shape[2:], kernel, stride, pad, strict=True):
        o = (math.ceil if ceil else math.floor)((h + 2 * p - k) / s) + 1
        if any(pad) and (o - 1) * s >= h + p:
            o -= 1
        size.append(o)
    top, mask, mean = (np.zeros((*x.shape[:2], *size)) for _ in range(3))
    for n, c, i, j in np.ndindex(*top.shape):
        a, b = i * stride[0] - pad[0], j * stride[1] - pad[1]
        a_end, b_end = min(a + kernel[0], x.shape[2] + pad[0]), min(b + kernel[1], x.shape[3] + pad[1])
        divisor = np.float64((a_end - a) * (b_end - b))
        best, where, total = LOWEST, -1, 0.0
        for h in range(max(a, 0), min(a_end, x.shape[2])):
            for w in range(max(b, 0), min(b_end, x.shape[3])):
                total += float(x[n, c, h, w])
                if x[n, c, h, w] > best:
                    best, where = x[n, c, h, w], h * x.shape[3] + w
        with np.errstate(all="ignore"):
            top[n, c, i, j], mask[n, c, i, j], mean[n, c, i, j] = best, where, total / divisor
    return top, mask, mean


side = st.tuples(st.integers(1, 7), st.integers(1, 5), st.integers(1, 4), st.integers(0, 4))


@given(side, side, st.booleans(), st.integers(0, 2 ** 32 - 1))
def test_any_window(rows, columns, ceil, seed):
    (h, w), kernel, stride, pad = zip(rows, columns, strict=True)
    assume(pad[0] < kernel[0] and pad[1] < kernel[1])
    text = ("kernel_h: {} kernel_w: {} stride_h: {} stride_w: {} pad_h: {} pad_w: {} ".format(*kernel, *stride, *pad)
            + f"round_mode: {'CEIL' if ceil else 'FLOOR'} pool: ")
    x = np.random.default_rng(seed).integers(-3, 4, (2, 2, h, w)).astype(np.float32)
    try:
        make(pooling(text + "MAX")).shapes([x.shape])
    except ShapeError:
        assert any(x < k - 2 * p for x, k, p in zip((h, w), kernel, pad, strict=True))
        return
    top, mask, mean = pooled(x, kernel, stride, pad, ceil)
    got, places = run(pooling(text + "MAX", 2), x)
    np.testing.assert_array_equal(got, top.astype(np.float32))
    np.testing.assert_array_equal(places, mask)
    np.testing.assert_array_equal(run(pooling(text + "MAX"), x)[0], got)
    average, = run(pooling(text + "AVE"), x)
    assert_close(average, mean)
    np.testing.assert_array_equal(np.signbit(average), np.signbit(mean.astype(np.float32)))


@pytest.mark.parametrize("text, shape, size", [
    ("kernel_size: 3 stride: 2", (7, 8), (3, 4)),                       # the last window of 8 overhangs
    ("kernel_size: 3 stride: 2 round_mode: FLOOR", (7, 8), (3, 3)),
    ("kernel_size: 2 stride: 2 pad: 1", (3, 4), (2, 3)),                # would start in the padding: left out
    ("kernel_size: 1 stride: 2", (3, 4), (2, 3)),                       # without padding it stays, though empty
    ("kernel_size: 4 stride: 3", (2, 4), (1, 1)),                       # larger than the image, rounded up to 1
    ("global_pooling: true", (5, 3), (1, 1)),
])
def test_size_of_the_top(text, shape, size):
    assert make(pooling(text)).shapes([(2, 3, *shape)]) == [(2, 3, *size)]


def test_an_empty_window_has_the_lowest_number_or_none():
    x = np.ones((1, 1, 4, 4), np.float32)
    got, mask = run(pooling("kernel_size: 1 stride: 2", 2), x)
    assert got[0, 0, 2, 0] == LOWEST and mask[0, 0, 2, 0] == -1
    assert np.isnan(run(pooling("kernel_size: 1 stride: 2 pool: AVE"), x)[0][0, 0, 2, 0])


def test_nan_never_is_the_maximum():
    x = np.array([np.nan, 1, np.nan, np.nan, -np.inf, -np.inf], np.float32).reshape(1, 1, 1, 6)
    got, mask = run(pooling("kernel_h: 1 kernel_w: 2 stride: 2", 2), x)
    np.testing.assert_array_equal(got.ravel(), np.array([1, LOWEST, LOWEST], np.float32))
    np.testing.assert_array_equal(mask.ravel(), [1, -1, -1])


def test_the_first_of_equal_maxima_counts():
    _, mask = run(pooling("kernel_size: 2", 2), np.zeros((1, 1, 3, 3)))
    np.testing.assert_array_equal(mask[0, 0], [[0, 1], [3, 4]])


def test_stochastic_is_what_caffe_does_at_inference_on_a_gpu():
    x = np.array([[1, 2], [0, 3]], np.float32).reshape(1, 1, 2, 2)
    got, = run(pooling("kernel_size: 2 pool: STOCHASTIC"), x)
    assert_close(got, [[[[14 / 6]]]])
    assert run(pooling("kernel_size: 2 pool: STOCHASTIC"), 0 * x)[0].item() == 0
    with pytest.raises(UnsupportedError, match="TRAIN"):
        make(pooling("kernel_size: 2 pool: STOCHASTIC"), "TRAIN")


def test_a_huge_window_costs_what_the_image_costs():
    far = 1 << 30
    text = f"kernel_size: {far} stride: {far} pad: {far // 2}"
    np.testing.assert_array_equal(run(pooling(text), np.arange(4.0).reshape(1, 1, 2, 2))[0], [[[[3]]]])


@pytest.mark.parametrize("text, words", [
    ("", "kernel_size, or kernel_h and kernel_w, is missing"),
    ("kernel_h: 2", "kernel_size, or kernel_h and kernel_w, is missing"),
    ("kernel_size: 2 kernel_h: 2 kernel_w: 2", "both given"),
    ("kernel_size: 0", "kernel must be at least 1"),
    ("kernel_size: 2 stride: 0", "stride must be at least 1"),
    ("kernel_size: 2 stride_h: 2", "give stride, or both stride_h and stride_w"),
    ("kernel_size: 2 pad_w: 1", "give pad, or both pad_h and pad_w"),
    ("kernel_size: 2 pad: 1 pad_h: 1 pad_w: 1", "give pad, or both pad_h and pad_w"),
    ("kernel_size: 2 pad: 2", r"pad \(2, 2\) must be smaller than the kernel \(2, 2\)"),
    ("global_pooling: true kernel_size: 2", "kernel_size cannot be given"),
    ("global_pooling: true pad: 1", "needs pad 0 and stride 1"),
    ("kernel_size: 3 pad: 1 pool: STOCHASTIC", "takes no padding"),
])
def test_bad_parameters(text, words):
    with pytest.raises(GraphError, match=words):
        make(pooling(text))


def test_bottoms_and_tops_that_do_not_fit():
    with pytest.raises(ShapeError, match=r"4 axes, its shape is \(2, 3, 4\)"):
        make(pooling("kernel_size: 2")).shapes([(2, 3, 4)])
    with pytest.raises(ShapeError, match=r"kernel \(5, 5\) does not fit .*\(1, 1, 2, 9\)"):
        make(pooling("kernel_size: 5")).shapes([(1, 1, 2, 9)])
    with pytest.raises(GraphError, match="only MAX has a mask"):
        make(pooling("kernel_size: 2 pool: AVE")).check_counts(1, 2)


SPP = 'type: "SPP" bottom: "x" top: "y" spp_param {{ {} }}'


@pytest.mark.parametrize("method, reduce", [("MAX", np.max), ("AVE", np.mean)])
def test_spp_of_a_size_that_divides(method, reduce):
    x = np.random.default_rng(0).standard_normal((2, 3, 8, 4)).astype(np.float32)
    text = SPP.format(f"pyramid_height: 3 pool: {method}")
    got, = run(text, x)
    levels = [reduce(x.reshape(2, 3, b, 8 // b, b, 4 // b), (3, 5)).reshape(2, -1) for b in (1, 2, 4)]
    assert_close(got, np.concatenate(levels, 1))
    assert kinds(text, x) == ["pool"] * 3 + ["copy"]


def test_spp_of_one_level_keeps_four_axes():
    assert make(SPP.format("pyramid_height: 1")).shapes([(2, 3, 5, 6)]) == [(2, 3, 1, 1)]


@pytest.mark.parametrize("text, shape, words", [
    ("pyramid_height: 3", (1, 2, 5, 5), r"level 2 .*pad \(2, 2\) with kernel \(2, 2\).*\(1, 2, 5, 5\)"),
    ("pyramid_height: 40", (1, 2, 64, 64), "level 7"),
    ("pyramid_height: 2", (1, 2, 5), r"4 axes.*\(1, 2, 5\)"),
])
def test_spp_errors(text, shape, words):
    with pytest.raises(ShapeError, match=words):
        make(SPP.format(text)).shapes([shape])
    with pytest.raises(GraphError, match="pyramid_height must be at least 1"):
        make(SPP.format(""))
