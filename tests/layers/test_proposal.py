"""Proposal: against Faster R-CNN's steps written out one box at a time."""

import numpy as np
import pytest

from scalpel_rt.errors import GraphError, ShapeError
from scalpel_rt.layers._boxes import best_first, overlaps, suppress

from .harness import make, run

#: the nine anchors that py-faster-rcnn prints for its defaults
ANCHORS = np.array([[-84, -40, 99, 55], [-176, -88, 191, 103], [-360, -184, 375, 199], [-56, -56, 71, 71],
                    [-120, -120, 135, 135], [-248, -248, 263, 263], [-36, -80, 51, 95], [-80, -168, 95, 183],
                    [-168, -344, 183, 359]])


def proposal(more="", tops=1):
    return make('type: "Proposal" bottom: "s" bottom: "d" bottom: "i" '
                + " ".join(f'top: "t{i}"' for i in range(tops)) + f" proposal_param {{ {more} }}")


def by_hand(scores, deltas, info, pre, post, threshold, min_size, stride=16):
    height, width = scores.shape[1:]
    found = []
    for y in range(height):
        for x in range(width):
            for a, anchor in enumerate(ANCHORS):
                box = anchor + [x * stride, y * stride] * 2
                w, h = box[2] - box[0] + 1, box[3] - box[1] + 1
                dx, dy, dw, dh = deltas[4 * a:4 * a + 4, y, x]
                cx, cy = box[0] + w / 2 + dx * w, box[1] + h / 2 + dy * h
                w, h = w * np.exp(dw), h * np.exp(dh)
                box = np.array([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2])
                box = np.minimum(np.maximum(box, 0), [info[1] - 1, info[0] - 1] * 2)
                if min(box[2] - box[0], box[3] - box[1]) + 1 >= min_size * info[2]:
                    found.append((scores[9 + a, y, x], box))
    found.sort(key=lambda pair: -pair[0])
    kept = []
    for score, box in found[:pre]:
        def overlap(other, box=box):
            w = min(box[2], other[2]) - max(box[0], other[0]) + 1
            h = min(box[3], other[3]) - max(box[1], other[1]) + 1
            area = [(b[2] - b[0] + 1) * (b[3] - b[1] + 1) for b in (box, other)]
            return max(w, 0) * max(h, 0) / (sum(area) - max(w, 0) * max(h, 0))
        if all(overlap(other) <= threshold for _, other in kept):
            kept.append((score, box))
    return kept[:post]


def test_anchors_are_those_of_py_faster_rcnn():
    np.testing.assert_array_equal(proposal().proposals.anchors(), ANCHORS)


@pytest.mark.parametrize("pre, post, threshold, min_size", [
    (6000, 300, 0.7, 16), (40, 5, 0.8, 30), (6000, 300, 0.3, 0)])
def test_boxes_are_those_made_one_by_one(pre, post, threshold, min_size):
    rng = np.random.default_rng(3)
    scores = rng.random((2, 18, 4, 5)).astype(np.float32)
    deltas = rng.normal(scale=0.4, size=(2, 36, 4, 5)).astype(np.float32)
    infos = np.array([[70, 90, 1.5], [64, 80, 0.5]], np.float32)
    more = f"pre_nms_topn: {pre} post_nms_topn: {post} nms_thresh: {threshold} min_size: {min_size}"
    boxes, found = run(proposal(more, tops=2), scores, deltas, infos)
    want = [(n, pair) for n in range(2)
            for pair in by_hand(scores[n], deltas[n], infos[n], pre, post, np.float32(threshold), min_size)]
    assert len(boxes) == len(want) > 2
    np.testing.assert_array_equal(boxes[:, 0], [n for n, _ in want])
    np.testing.assert_allclose(found, [score for _, (score, _) in want])
    np.testing.assert_allclose(boxes[:, 1:], [box for _, (_, box) in want], rtol=1e-5, atol=1e-4)


def test_no_box_is_large_enough():
    boxes, = run(proposal("min_size: 1000"), np.ones((1, 18, 2, 2)), np.zeros((1, 36, 2, 2)), [[32, 32, 1]])
    assert boxes.shape == (0, 5)


def test_shapes():
    layer = proposal("post_nms_topn: 7", tops=2)
    assert layer.shapes([(2, 18, 4, 5), (2, 36, 4, 5), (2, 3)]) == [(14, 5), (14,)]
    with pytest.raises(ShapeError, match=r"9 anchors.*\(1, 12, 4, 5\).*\(1, 24, 4, 5\)"):
        layer.shapes([(1, 12, 4, 5), (1, 24, 4, 5), (1, 3)])
    with pytest.raises(ShapeError, match=r"im_info.*\(1, 2\)"):
        layer.shapes([(1, 18, 4, 5), (1, 36, 4, 5), (1, 2)])


def test_ratios_must_be_positive():
    with pytest.raises(GraphError, match=r"\[0.0\]"):
        proposal("ratio: 0")


def test_overlaps():
    box = np.array([0.0, 0, 2, 2])
    others = np.array([[1.0, 1, 3, 3], [2, 2, 3, 3], [0, 0, 2, 2], [2, 2, 1, 1], [5, 5, 6, 6]])
    np.testing.assert_allclose(overlaps(box, others), [1 / 7, 0, 1, 0, 0])
    np.testing.assert_allclose(overlaps(box, others, plus=1.0)[:3], [4 / 14, 1 / 12, 1])


def test_suppress_lowers_its_threshold():
    boxes = np.array([[0, 0, 10, 10], [0, 20, 10, 30], [0, 3, 10, 13], [0, 40, 10, 50]], float)
    share = 7 / 13
    assert suppress(boxes, share + 0.01).tolist() == [0, 1, 2, 3]
    assert suppress(boxes, share + 0.01, eta=0.95).tolist() == [0, 1, 3]    # lowered twice before the third box
    assert suppress(boxes, share - 0.01).tolist() == [0, 1, 3]
    assert suppress(boxes, share - 0.01, limit=2).tolist() == [0, 1]
    assert suppress(np.zeros((0, 4)), 0.5).tolist() == []


def test_best_first_keeps_the_order_of_equals():
    assert best_first(np.array([1.0, 3, 1, 3, 2]), 4).tolist() == [1, 3, 4, 0]
