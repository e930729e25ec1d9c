"""Pooling with Caffe's windows: limits, divisors, empty windows, NaN, masks."""

import numpy as np
import pytest

from . import harness

TESTS = ("pool_plain",)
LOWEST = -float(np.finfo(np.float32).max)


def reference(x, window, size, ave):
    """(y, mask, sum of |x| in each window) in float64, by Caffe's rules, window by window."""
    (kh, kw), (sh, sw), (ph, pw) = window
    oh, ow = size
    h, w = x.shape[2:]
    y, mask, total = (np.zeros((*x.shape[:2], oh, ow)) for _ in range(3))
    for i in range(oh):
        for j in range(ow):
            top, left = i * sh - ph, j * sw - pw
            bottom, right = min(top + kh, h + ph), min(left + kw, w + pw)
            divisor = np.float64((bottom - top) * (right - left))
            top, left = max(top, 0), max(left, 0)
            part = x[:, :, top : max(bottom, 0), left : max(right, 0)].astype(np.float64)
            total[:, :, i, j] = np.abs(part).sum((2, 3))
            if ave:
                y[:, :, i, j] = part.sum((2, 3)) / divisor
                continue
            flat = np.where(part > LOWEST, part, LOWEST).reshape(*x.shape[:2], part.shape[2] * part.shape[3])
            if flat.shape[2] == 0:
                y[:, :, i, j], mask[:, :, i, j] = LOWEST, -1
                continue
            at = flat.argmax(2)
            rows, columns = at // part.shape[3] + top, at % part.shape[3] + left
            y[:, :, i, j] = flat.max(2)
            mask[:, :, i, j] = np.where(flat.max(2) > LOWEST, rows * w + columns, -1)
    return y, mask, total


def check(kernel, x, window, size, gap=0, methods=("max", "ave")):
    """``gap``: elements between the images, in x and in y."""
    (kh, kw), (sh, sw), (ph, pw) = window
    n, c, h, w = x.shape
    oh, ow = size
    numbers = {"n": n, "c": c, "h": h, "wd": w, "oh": oh, "ow": ow, "kh": kh, "kw": kw, "sh": sh, "sw": sw, "ph": ph,
               "pw": pw, "x_stride": c * h * w + gap, "y_stride": c * oh * ow + gap}
    spaced = np.full((n, c * h * w + gap), np.float32(np.nan))
    spaced[:, : c * h * w] = x.reshape(n, c * h * w)
    y_start = np.full((n, c * oh * ow + gap), np.float32(7))
    for method in methods:
        ave = method == "ave"
        with np.errstate(all="ignore"):
            want, mask, total = reference(x, window, size, ave)
            bound = 2 * kh * kw * harness.EPS * total if ave else 0
        for masked in ([False] if ave else [False, True]):
            got = harness.run(kernel, {"x": spaced}, {"mask": mask.shape} if masked else {},
                              {**numbers, "ave": int(ave)}, inout={"y": y_start})
            y = got["y"]
            what = f"{method} {window} of {x.shape}"
            harness.assert_close(y[:, : c * oh * ow].reshape(want.shape), want, bound, what)
            assert (y[:, c * oh * ow :] == 7).all(), f"{what}: wrote between the images"
            if masked:
                harness.assert_same(got["mask"], mask.astype(np.float32), f"mask, {what}")


def caffe_size(n, kernel, stride, pad):
    """Caffe's output size, rounding up, with its rule that a padded window starts inside."""
    out = -(-(n + 2 * pad - kernel) // stride) + 1
    return out - 1 if pad and (out - 1) * stride >= n + pad else out


def image(rng, *shape):
    """Whole numbers, so that maxima tie."""
    return rng.integers(-9, 10, shape).astype(np.float32)


#: name -> kernel, stride, pad
WINDOWS = {
    "1x1/2": ((1, 1), (2, 2), (0, 0)),
    "2x2/1": ((2, 2), (1, 1), (0, 0)),
    "2x2/2": ((2, 2), (2, 2), (0, 0)),
    "3x3/1 pad 1": ((3, 3), (1, 1), (1, 1)),
    "3x3/2": ((3, 3), (2, 2), (0, 0)),
    "3x3/2 pad 1": ((3, 3), (2, 2), (1, 1)),
    "3x3/3": ((3, 3), (3, 3), (0, 0)),
    "4x4/4": ((4, 4), (4, 4), (0, 0)),
    "5x5/3 pad 2": ((5, 5), (3, 3), (2, 2)),
    "7x7/1": ((7, 7), (1, 1), (0, 0)),
    "2x3/3x2 pad 1x2": ((2, 3), (3, 2), (1, 2)),
    "6x2/1x4 pad 5x1": ((6, 2), (1, 4), (5, 1)),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_widths_at_the_tails(kernel, rng, lanes, name):
    (kh, kw), (sh, sw), (ph, pw) = window = WINDOWS[name]
    for ow in [t for t in harness.tails(lanes) if t]:
        w = max((ow - 1) * sw + kw - 2 * pw, 1)
        for width in {w, w + sw - 1}:
            size = caffe_size(9, kh, sh, ph), caffe_size(width, kw, sw, pw)
            if min(size) > 0:
                check(kernel, image(rng, 1, 2, 9, width), window, size)


@pytest.mark.parametrize("name", WINDOWS)
def test_images_with_gaps(kernel, rng, name):
    (kh, kw), (sh, sw), (ph, pw) = window = WINDOWS[name]
    size = caffe_size(10, kh, sh, ph), caffe_size(13, kw, sw, pw)
    check(kernel, rng.standard_normal((3, 4, 10, 13)).astype(np.float32), window, size, gap=11)


def test_global(kernel, rng, lanes):
    for h, w in ((1, 1), (7, 7), (8, 8), (13, 13), (1, lanes), (3, lanes - 1 or 1), (2, 2 * lanes + 1), (5, 101)):
        check(kernel, rng.standard_normal((2, 5, h, w)).astype(np.float32), ((h, w), (1, 1), (0, 0)), (1, 1))


def test_wide_rows(kernel, rng):
    check(kernel, image(rng, 1, 1, 3, 2500), ((3, 3), (2, 2), (0, 0)), (1, 1250))
    check(kernel, image(rng, 1, 1, 3, 2500), ((2, 900), (1, 7), (0, 0)), (2, 229))
    check(kernel, image(rng, 1, 2, 4, 5000), ((3, 4990), (1, 3), (0, 5)), (2, 8))


def test_a_window_beyond_the_image(kernel, rng):
    """Without padding Caffe clips nothing: the last windows may lie outside, with divisors of 0 or less."""
    check(kernel, image(rng, 1, 2, 4, 4), ((1, 1), (2, 2), (0, 0)), (3, 3))
    check(kernel, image(rng, 1, 2, 4, 40), ((1, 1), (3, 3), (0, 0)), (2, 15))
    check(kernel, image(rng, 2, 1, 2, 2), ((4, 4), (3, 3), (0, 0)), (1, 1))
    check(kernel, image(rng, 1, 1, 4, 9), ((2, 2), (5, 5), (0, 0)), (2, 3))


def test_ceil_overhang_does_not_count_in_the_divisor(kernel):
    x = np.ones((1, 1, 4, 4), np.float32)
    numbers = {"n": 1, "c": 1, "h": 4, "wd": 4, "oh": 3, "ow": 3, "kh": 3, "kw": 3, "sh": 2, "sw": 2, "ph": 1, "pw": 1,
               "x_stride": 16, "y_stride": 9, "ave": 1}
    y = harness.run(kernel, {"x": x}, {"y": (3, 3)}, numbers)["y"]
    harness.assert_ulps(y, np.array([[4 / 9, 6 / 9, 2 / 6], [6 / 9, 1, 3 / 6], [2 / 6, 3 / 6, 1 / 4]]), 1)


@pytest.mark.parametrize("name", ["2x2/2", "3x3/2", "3x3/1 pad 1", "5x5/3 pad 2"])
def test_special_values(kernel, rng, name):
    """A maximum ignores NaN, and is -FLT_MAX where nothing is above; an average keeps NaN and infinities."""
    (kh, kw), (sh, sw), (ph, pw) = window = WINDOWS[name]
    values = np.array([np.nan, np.inf, -np.inf, -0.0, 1.0, -2.0], np.float32)
    x = rng.choice(values, (1, 6, 9, 35), p=[0.4, 0.1, 0.2, 0.1, 0.1, 0.1])
    x[:, 4] = np.nan
    x[:, 5] = -np.inf
    check(kernel, x, window, (caffe_size(9, kh, sh, ph), caffe_size(35, kw, sw, pw)))
    check(kernel, x, ((9, 35), (1, 1), (0, 0)), (1, 1))


def test_no_images(kernel):
    check(kernel, np.zeros((0, 3, 5, 5), np.float32), WINDOWS["2x2/2"], (3, 3))
