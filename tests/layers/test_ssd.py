"""SSD's layers: Permute, Normalize, PriorBox, DetectionOutput."""

import numpy as np
import pytest

from scalpel_rt.caffe import parse_prototxt
from scalpel_rt.errors import GraphError, ShapeError, UnsupportedError
from scalpel_rt.layers import find
from scalpel_rt.layers._ssd import decode, encode

from .harness import lowers, make, run

rng = np.random.default_rng(11)


# -- Permute ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("order, whole", [((0, 2, 3, 1), (0, 2, 3, 1)), ((3,), (3, 0, 1, 2)), ((), (0, 1, 2, 3)),
                                          ((1, 0), (1, 0, 2, 3))])
def test_permute(order, whole):
    x = rng.normal(size=(2, 3, 4, 5)).astype(np.float32)
    text = ('type: "Permute" bottom: "x" top: "y" permute_param { '
            + " ".join(f"order: {axis}" for axis in order) + " }")
    got, = run(text, x)
    np.testing.assert_array_equal(got, x.transpose(whole))
    assert lowers(text, x)


def test_permute_errors():
    with pytest.raises(GraphError, match=r"\[0, 2, 2\]"):
        make('type: "Permute" permute_param { order: 0 order: 2 order: 2 }')
    with pytest.raises(ShapeError, match=r"\[3\].*\(2, 3\)"):
        make('type: "Permute" permute_param { order: 3 }').shapes([(2, 3)])


def test_bvlcs_dialect_does_not_know_it():
    message = parse_prototxt('layer { type: "Permute" }', dialect="bvlc").layer[0]
    with pytest.raises(UnsupportedError, match="Permute.*SSD.*any"):
        find("Permute")(message)


# -- Normalize -------------------------------------------------------------------------------------------------

NORMALIZE = 'type: "Normalize" bottom: "x" top: "y" norm_param { %s }'


def test_normalize_each_position():
    x = rng.normal(size=(2, 3, 2, 4)).astype(np.float32)
    scale = np.array([1, 20, -3], np.float32)
    got, = run(NORMALIZE % "across_spatial: false channel_shared: false", x, params=[scale])
    np.testing.assert_allclose(got, x / np.sqrt((x ** 2).sum(1, keepdims=True)) * scale[:, None, None], rtol=1e-5)
    assert lowers(NORMALIZE % "across_spatial: false channel_shared: false", x, params=[scale])


@pytest.mark.parametrize("shape", [(2, 3, 2, 4), (2, 5), (1, 3, 4)])
def test_normalize_whole_items(shape):
    x = rng.normal(size=shape).astype(np.float32)
    got, = run(NORMALIZE % "", x, params=[np.float32(2)])
    length = np.sqrt((x.reshape(len(x), -1) ** 2).sum(1)).reshape(-1, *[1] * (len(shape) - 1))
    np.testing.assert_allclose(got, 2 * x / length, rtol=1e-5)


def test_normalize_of_zeros_is_zeros():
    got, = run(NORMALIZE % "across_spatial: false", np.zeros((1, 3, 2, 2)), params=[np.float32(20)])
    np.testing.assert_array_equal(got, np.zeros((1, 3, 2, 2)))


def test_normalize_filler_is_1():
    filler, = make(NORMALIZE % "").fillers()
    assert filler.type == "constant" and filler.value == 1


# -- PriorBox --------------------------------------------------------------------------------------------------

def prior_box(more, features=(1, 8, 2, 3), image=(1, 3, 40, 60)):
    layer = make(f'type: "PriorBox" bottom: "f" bottom: "i" top: "p" prior_box_param {{ {more} }}')
    top, = run(layer, np.zeros(features), np.zeros(image))
    assert layer.shapes([features, image]) == [top.shape]
    return top.reshape(2, -1, 4)


def test_prior_boxes_of_one_cell():
    """Worked by hand: the centre of cell (1, 2) of 2 x 3 is (50, 30) of 60 x 40 pixels."""
    boxes, variances = prior_box("min_size: 10 max_size: 40 aspect_ratio: 4 variance: 0.1 variance: 0.1 "
                                 "variance: 0.2 variance: 0.2")
    assert len(boxes) == 2 * 3 * 4
    sides = [(10, 10), (20, 20), (20, 5), (5, 20)]
    want = [[(50 - w / 2) / 60, (30 - h / 2) / 40, (50 + w / 2) / 60, (30 + h / 2) / 40] for w, h in sides]
    np.testing.assert_allclose(boxes[-4:], want, rtol=1e-6)
    np.testing.assert_allclose(variances, np.tile([0.1, 0.1, 0.2, 0.2], (24, 1)), rtol=1e-6)


def test_prior_box_ratios_are_listed_once():
    assert len(prior_box("min_size: 10 aspect_ratio: 2 aspect_ratio: 0.5 aspect_ratio: 1")[0]) == 6 * 3
    assert len(prior_box("min_size: 10 aspect_ratio: 2 flip: false")[0]) == 6 * 2
    assert len(prior_box("min_size: 10 min_size: 20 max_size: 15 max_size: 30 aspect_ratio: 2")[0]) == 6 * 8


def test_prior_box_step_offset_and_image():
    boxes, variances = prior_box("min_size: 10 step: 16 offset: 0 img_size: 100")
    np.testing.assert_allclose(boxes[5], [(32 - 5) / 100, (16 - 5) / 100, (32 + 5) / 100, (16 + 5) / 100], rtol=1e-6)
    assert (variances == np.float32(0.1)).all()
    boxes, _ = prior_box("min_size: 10 step_w: 8 step_h: 4 img_w: 50 img_h: 200")
    np.testing.assert_allclose(boxes[0], [-1 / 50, -3 / 200, 9 / 50, 7 / 200], atol=1e-6)


def test_prior_box_clip_and_truncated_sizes():
    boxes, _ = prior_box("min_size: 100 clip: true")
    assert boxes.min() == 0 and boxes.max() == 1
    np.testing.assert_array_equal(prior_box("min_size: 10.9")[0], prior_box("min_size: 10")[0])


@pytest.mark.parametrize("more, word", [
    ("", "min_size"), ("min_size: 0", "min_size"), ("min_size: 10 max_size: 10", "max_size"),
    ("min_size: 10 max_size: 20 max_size: 30", "max_size"), ("min_size: 1 variance: 1 variance: 2", "variance"),
    ("min_size: 1 img_size: 3 img_h: 4", "img_size"), ("min_size: 1 step_h: 2", "step_h"),
    ("min_size: 1 aspect_ratio: 0", "aspect_ratio"),
])
def test_prior_box_errors(more, word):
    with pytest.raises(GraphError, match=word):
        make(f'type: "PriorBox" prior_box_param {{ {more} }}')


# -- DetectionOutput -------------------------------------------------------------------------------------------

def detection_output(more="", classes=3):
    return make('type: "DetectionOutput" bottom: "l" bottom: "c" bottom: "p" top: "d" detection_output_param { '
                f"num_classes: {classes} {more} }}")


def priors(n):
    low = rng.random((n, 2)) * 0.6
    boxes = np.concatenate([low, low + 0.1 + rng.random((n, 2)) * 0.3], axis=1)
    return np.stack([boxes, np.tile([0.1, 0.1, 0.2, 0.2], (n, 1))]).reshape(1, 2, 4 * n).astype(np.float32)


def iou(a, b):
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    return w * h / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - w * h)


def by_hand(boxes, scores, threshold, top_k, least, keep, background=0):
    """Rows of one item: boxes[label][i], scores[label][i]."""
    kept = []
    for label in range(len(scores)):
        if label == background:
            continue
        best = sorted((i for i in range(len(scores[label])) if scores[label][i] > least),
                      key=lambda i: -scores[label][i])[:top_k]
        stay = []
        for i in best:
            if all(iou(boxes[label][i], boxes[label][j]) <= threshold for j in stay):
                stay.append(i)
        kept += [(label, scores[label][i], *boxes[label][i]) for i in stay]
    limit = sorted((row[1] for row in kept), reverse=True)[:keep][-1]
    return [row for row in kept if row[1] >= limit]


@pytest.mark.parametrize("shared", [True, False])
def test_detections_are_those_made_one_by_one(shared):
    n, k, items = 40, 3, 2
    prior = priors(n)
    loc = rng.normal(size=(items, n * 4 * (1 if shared else k))).astype(np.float32)
    conf = rng.random((items, n * k)).astype(np.float32)
    layer = detection_output(f"share_location: {str(shared).lower()} code_type: CENTER_SIZE confidence_threshold: 0.3 "
                             "nms_param { nms_threshold: 0.4 top_k: 20 } keep_top_k: 9")
    got, = run(layer, loc, conf, prior)
    corners, var = prior.reshape(2, n, 4).astype(np.float64)
    want = []
    for item in range(items):
        codes = loc[item].reshape(n, -1, 4)
        boxes = np.zeros((k, n, 4))
        for label in range(k):
            for i in range(n):
                code = codes[i, 0 if shared else label] * var[i]
                w, h = corners[i, 2] - corners[i, 0], corners[i, 3] - corners[i, 1]
                cx = (corners[i, 0] + corners[i, 2]) / 2 + code[0] * w
                cy = (corners[i, 1] + corners[i, 3]) / 2 + code[1] * h
                w, h = w * np.exp(code[2]), h * np.exp(code[3])
                boxes[label, i] = cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2
        scores = conf[item].reshape(n, k).T.astype(np.float64)
        want += [(item, *row) for row in by_hand(boxes, scores, np.float32(0.4), 20, np.float32(0.3), 9)]
    assert got.shape == (1, 1, 18, 7)
    np.testing.assert_allclose(got[0, 0], want, rtol=1e-5, atol=1e-6)


def test_no_detection_leaves_a_row_for_each_item():
    got, = run(detection_output("confidence_threshold: 2"), np.zeros((2, 16)), np.ones((2, 12)), priors(4))
    np.testing.assert_array_equal(got[0, 0], [[0] + [-1] * 6, [1] + [-1] * 6])


@pytest.mark.parametrize("code", ["CORNER", "CENTER_SIZE", "CORNER_SIZE"])
@pytest.mark.parametrize("in_target", [True, False])
def test_encode_undoes_decode(code, in_target):
    boxes, variances = priors(6).reshape(2, 6, 4).astype(np.float64)
    codes = rng.normal(size=(6, 4))
    there = decode(codes, boxes, variances, code, in_target)
    np.testing.assert_allclose(encode(there, boxes, variances, code, in_target), codes, atol=1e-9)
    if code == "CORNER" and not in_target:
        np.testing.assert_allclose(there, boxes + codes * [0.1, 0.1, 0.2, 0.2], atol=1e-8)


def test_detection_output_errors():
    with pytest.raises(GraphError, match="num_classes"):
        make('type: "DetectionOutput"')
    with pytest.raises(GraphError, match="eta"):
        detection_output("nms_param { eta: 0 }")
    layer = detection_output()
    with pytest.raises(ShapeError, match=r"4 priors.*16.*\(1, 20\)"):
        layer.shapes([(1, 20), (1, 12), (1, 2, 16)])
    with pytest.raises(ShapeError, match=r"3 classes need 12.*\(1, 8\)"):
        layer.shapes([(1, 16), (1, 8), (1, 2, 16)])
    with pytest.raises(ShapeError, match=r"\(1, 1, 16\)"):
        layer.shapes([(1, 16), (1, 12), (1, 1, 16)])
