"""ROIPooling, PSROIPooling, ROIAlign: against sums over pixels written out."""

import math

import numpy as np
import pytest

from scalpel_rt.errors import DataError, GraphError, ShapeError

from .harness import make, run

rng = np.random.default_rng(5)
ROIS = np.array([[0, 0, 0, 15, 15], [1, 3, 10, 40, 22], [0, 20, 20, 20, 20], [1, -30, -30, -20, -20], [0, 5, 6, 60, 31],
                 [1, 10, 5, 2, 1]], np.float32)


def c_round(x):
    return math.floor(abs(x) + 0.5) * (1 if x >= 0 else -1)


def roi_pooling(more):
    return make(f'type: "ROIPooling" bottom: "x" bottom: "r" top: "y" roi_pooling_param {{ {more} }}')


def test_roi_pooling_pixel_by_pixel():
    x = rng.normal(size=(2, 3, 6, 9)).astype(np.float32)
    got, = run(roi_pooling("pooled_h: 2 pooled_w: 3 spatial_scale: 0.25"), x, ROIS)
    assert got.shape == (6, 3, 2, 3)
    for r, roi in enumerate(ROIS):
        x1, y1, x2, y2 = (c_round(v * 0.25) for v in roi[1:])
        w, h = max(x2 - x1 + 1, 1), max(y2 - y1 + 1, 1)
        for i in range(2):
            for j in range(3):
                rows = range(max(y1 + math.floor(i * h / 2), 0), min(y1 + math.ceil((i + 1) * h / 2), 6))
                columns = range(max(x1 + math.floor(j * w / 3), 0), min(x1 + math.ceil((j + 1) * w / 3), 9))
                pixels = [x[int(roi[0]), :, a, b] for a in rows for b in columns]
                np.testing.assert_array_equal(got[r, :, i, j], np.max(pixels, axis=0) if pixels else np.zeros(3))


def test_roi_pooling_pads_a_region():
    x = rng.normal(size=(1, 1, 20, 20)).astype(np.float32)
    padded, = run(roi_pooling("pooled_h: 2 pooled_w: 2 pad_ratio: 0.5"), x, [[0, 8, 8, 11, 11]])
    plain, = run(roi_pooling("pooled_h: 2 pooled_w: 2"), x, [[0, 6, 6, 13, 13]])
    np.testing.assert_array_equal(padded, plain)


def psroi_pooling(more):
    return make(f'type: "PSROIPooling" bottom: "x" bottom: "r" top: "y" psroi_pooling_param {{ {more} }}')


def test_psroi_pooling_pixel_by_pixel():
    x = rng.normal(size=(2, 2 * 9, 6, 9)).astype(np.float32)
    got, = run(psroi_pooling("output_dim: 2 group_size: 3 spatial_scale: 0.25"), x, ROIS)
    assert got.shape == (6, 2, 3, 3)
    for r, roi in enumerate(ROIS):
        x1, y1 = c_round(roi[1]) * 0.25, c_round(roi[2]) * 0.25
        w = max((c_round(roi[3]) + 1) * 0.25 - x1, 0.1)
        h = max((c_round(roi[4]) + 1) * 0.25 - y1, 0.1)
        for d in range(2):
            for i in range(3):
                for j in range(3):
                    rows = range(max(math.floor(i * h / 3 + y1), 0), min(math.ceil((i + 1) * h / 3 + y1), 6))
                    columns = range(max(math.floor(j * w / 3 + x1), 0), min(math.ceil((j + 1) * w / 3 + x1), 9))
                    pixels = [x[int(roi[0]), (d * 3 + i) * 3 + j, a, b] for a in rows for b in columns]
                    assert got[r, d, i, j] == pytest.approx(np.mean(pixels) if pixels else 0, abs=1e-6)


def sample(plane, y, x):
    """Bilinear sample as Mask R-CNN has it."""
    height, width = plane.shape
    if y < -1 or y > height or x < -1 or x > width:
        return 0.0
    y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
    y0, x0 = int(y), int(x)
    y1, x1 = min(y0 + 1, height - 1), min(x0 + 1, width - 1)
    v, u = y - y0, x - x0
    return ((1 - v) * ((1 - u) * plane[y0, x0] + u * plane[y0, x1])
            + v * ((1 - u) * plane[y1, x0] + u * plane[y1, x1]))


@pytest.mark.parametrize("ratio", [2, -1])
def test_roi_align_sample_by_sample(ratio):
    x = rng.normal(size=(2, 2, 6, 9)).astype(np.float32)
    layer = make('type: "ROIAlign" bottom: "x" bottom: "r" top: "y" roi_align_param { pooled_h: 2 pooled_w: 3 '
                 f"spatial_scale: 0.25 sampling_ratio: {ratio} }}")
    got, = run(layer, x, ROIS)
    for r, (item, x1, y1, x2, y2) in enumerate(ROIS.astype(np.float64)):
        x1, y1, x2, y2 = (v * 0.25 for v in (x1, y1, x2, y2))
        w, h = max(x2 - x1, 1), max(y2 - y1, 1)
        ny, nx = (ratio, ratio) if ratio > 0 else (math.ceil(h / 2), math.ceil(w / 3))
        for c in range(2):
            for i in range(2):
                for j in range(3):
                    want = np.mean([sample(x[int(item), c], y1 + (i + (a + 0.5) / ny) * h / 2,
                                           x1 + (j + (b + 0.5) / nx) * w / 3) for a in range(ny) for b in range(nx)])
                    assert got[r, c, i, j] == pytest.approx(want, abs=1e-5)


def test_roi_align_of_a_ramp_is_the_middle_of_each_part():
    x = np.broadcast_to(np.arange(20.0), (1, 1, 20, 20))
    got, = run('type: "ROIAlign" bottom: "x" bottom: "r" top: "y" roi_align_param { pooled_h: 1 pooled_w: 4 }', x,
               [[0, 2, 2, 10, 6]])
    np.testing.assert_allclose(got.ravel(), [3, 5, 7, 9], rtol=1e-6)


def test_roi_align_of_cascade_rcnn():
    """Corners of the parts, pixels centred at .5, zeros outside and for a region turned over."""
    x = np.broadcast_to(np.arange(20.0), (1, 1, 20, 20))
    layer = 'type: "ROIAlign" bottom: "x" bottom: "r" top: "y" roi_pooling_param { pooled_h: 1 pooled_w: 4 %s }'
    got, = run(layer % "", x, [[0, 2, 2, 10, 6], [0, 16, 0, 24, 4], [0, 5, 5, 4, 9]])
    np.testing.assert_allclose(got[0, 0], [[1.5, 3.5, 5.5, 7.5, 9.5]] * 2, rtol=1e-6)
    np.testing.assert_allclose(got[1, 0], [[15.5, 17.5, 19, 0, 0]] * 2, rtol=1e-6)
    np.testing.assert_array_equal(got[2], np.zeros((1, 2, 5)))
    padded, = run(layer % "pad_ratio: 0.5", x, [[0, 8, 8, 11, 11]])
    plain, = run(layer % "", x, [[0, 6, 6, 13, 13]])
    np.testing.assert_allclose(padded, plain, rtol=1e-6)


def test_no_regions_make_an_empty_top():
    got, = run(roi_pooling("pooled_h: 2 pooled_w: 2"), np.ones((1, 3, 4, 4)), np.zeros((0, 5)))
    assert got.shape == (0, 3, 2, 2)


def test_errors():
    with pytest.raises(GraphError, match=r"\(0, 2\)"):
        roi_pooling("pooled_w: 2")
    with pytest.raises(ShapeError, match=r"\(1, 3, 4\).*\(2, 5\)"):
        roi_pooling("pooled_h: 2 pooled_w: 2").shapes([(1, 3, 4), (2, 5)])
    with pytest.raises(ShapeError, match=r"\(2, 4\)"):
        roi_pooling("pooled_h: 2 pooled_w: 2").shapes([(1, 3, 4, 4), (2, 4)])
    with pytest.raises(DataError, match="item of a region 2 .*2 items"):
        run(roi_pooling("pooled_h: 2 pooled_w: 2"), np.ones((2, 3, 4, 4)), [[0, 0, 0, 1, 1], [2, 0, 0, 1, 1]])
    with pytest.raises(ShapeError, match="need 18 channels, the features have 20"):
        psroi_pooling("output_dim: 2 group_size: 3").shapes([(1, 20, 4, 4), (1, 5)])
    with pytest.raises(GraphError, match="not both"):
        make('type: "ROIAlign" roi_align_param {} roi_pooling_param {}')
