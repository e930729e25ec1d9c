"""What detectors are trained and judged with: SmoothL1Loss, the OHEM layers, MultiBoxLoss, DetectionEvaluate."""

import numpy as np
import pytest

from scalpel_rt.errors import DataError, GraphError, ShapeError, UnsupportedError
from scalpel_rt.layers._matching import match

from .harness import make, run

rng = np.random.default_rng(21)


# -- SmoothL1Loss and OHEM -------------------------------------------------------------------------------------

def test_smooth_l1_by_hand():
    x, t = [[0.1, 3], [-2, 0]], [[0, 0], [0, 0.2]]
    got, = run('type: "SmoothL1Loss" bottom: "x" bottom: "t" top: "l"', x, t)
    assert got == pytest.approx((0.005 + 2.5 + 1.5 + 0.02) / 2)
    inner, outer = [[1, 2], [1, 0]], [[10, 1], [0, 1]]
    got, = run('type: "SmoothL1Loss" bottom: "x" bottom: "t" bottom: "i" bottom: "o" top: "l" '
               "smooth_l1_loss_param { sigma: 2 }", x, t, inner, outer)
    assert got == pytest.approx((10 * 0.5 * 4 * 0.01 + (6 - 0.125)) / 2)        # |d| < 1/4 is squared
    with pytest.raises(ShapeError, match=r"\(2, 3\).*\(2, 4\)"):
        make('type: "SmoothL1Loss"').shapes([(2, 3), (2, 4)])


def test_smooth_l1_ohem_tells_each_region():
    x = rng.normal(size=(3, 4)).astype(np.float32)
    layer = ('type: "SmoothL1LossOHEM" bottom: "x" bottom: "t" top: "l" top: "each" '
             "loss_param { normalization: PRE_FIXED pre_fixed_normalizer: 8 }")
    loss, each = run(layer, x, np.zeros((3, 4)))
    d = np.abs(x)
    want = np.where(d < 1, d * d / 2, d - 0.5)
    np.testing.assert_allclose(each[:, 0, 0, 0], want.sum(axis=1), rtol=1e-6)
    assert loss == pytest.approx(want.sum() / 8, rel=1e-6)


def test_softmax_ohem_tells_each_position():
    x, labels = rng.normal(size=(3, 5)).astype(np.float32), np.array([[0], [4], [-1]])
    layer = ('type: "SoftmaxWithLossOHEM" bottom: "x" bottom: "t" top: "l" top: "p" top: "each" '
             "loss_param { ignore_label: -1 }")
    loss, p, each = run(layer, x, labels)
    want = -np.log([p[0, 0], p[1, 4], 1])
    np.testing.assert_allclose(each[:, 0], want, rtol=1e-5)
    assert loss == pytest.approx(want.sum() / 2, rel=1e-5)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)


def test_box_annotator_keeps_the_hardest_of_each_item():
    rois = np.zeros((5, 5))
    rois[:, 0] = [0, 0, 1, 0, 1]
    layer = make('type: "BoxAnnotatorOHEM" bottom: "r" bottom: "l" bottom: "y" bottom: "w" top: "ty" top: "tw" '
                 "box_annotator_ohem_param { roi_per_img: 2 ignore_label: -7 }")
    weights = rng.random((5, 4))
    labels, kept = run(layer, rois, [[1], [3], [9], [2], [0]], [[1], [2], [3], [4], [5]], weights)
    np.testing.assert_array_equal(labels.ravel(), [-7, 2, 3, 4, 5])
    np.testing.assert_array_equal(kept[1:, :, 0, 0], weights.astype(np.float32)[1:])
    assert not kept[0].any()
    with pytest.raises(ShapeError, match=r"\(5, 4\)"):
        layer.shapes([(5, 4), (5, 1), (5, 1), (5, 4)])


# -- matching --------------------------------------------------------------------------------------------------

def test_match():
    boxes = np.array([[0, 0, 0.4, 0.4], [0.1, 0.1, 0.5, 0.5], [0.6, 0.6, 0.9, 0.9], [-0.1, 0, 0.3, 0.4]])
    objects = np.array([[0, 0, 0.4, 0.45], [0.05, 0.05, 0.42, 0.42]])
    owners, largest = match(objects, boxes, False, 0.5, False)
    # the pair (box 0, object 0) overlaps most; object 1 then takes the best of what is left
    assert owners.tolist() == [0, 1, -1, -1]
    assert largest[0] == pytest.approx(0.16 / 0.18) and largest[2] == 0
    owners, _ = match(objects, boxes, True, 0.5, False)
    assert owners.tolist() == [0, 1, -1, 0]
    owners, _ = match(objects, boxes, True, 0.5, True)
    assert owners.tolist() == [0, 1, -1, -2]
    assert match(objects[:0], boxes, True, 0.5, False)[0].tolist() == [-1] * 4


# -- MultiBoxLoss ----------------------------------------------------------------------------------------------

PRIORS = np.array([[0, 0, 0.4, 0.4], [0.5, 0.5, 0.9, 0.9], [0.6, 0, 1, 0.4], [0, 0.6, 0.4, 1.0]])
PRIOR = np.stack([PRIORS, np.tile([0.1, 0.1, 0.2, 0.2], (4, 1))]).reshape(1, 2, 16)


def multi_box_loss(more="", loss_param=""):
    return make('type: "MultiBoxLoss" bottom: "l" bottom: "c" bottom: "p" bottom: "o" top: "loss" '
                f"multibox_loss_param {{ num_classes: 3 {more} }} {loss_param}")


def objects(*rows):
    return np.array(rows, np.float32).reshape(1, 1, -1, 8)


def minus_log_p(scores, label):
    return np.log(np.exp(scores).sum()) - scores[label]


def code_of(box, prior):
    size, old = box[2:] - box[:2], prior[2:] - prior[:2]
    return np.concatenate([((box[:2] + box[2:]) - (prior[:2] + prior[2:])) / 2 / old / 0.1, np.log(size / old) / 0.2])


def test_multi_box_loss_by_hand():
    """One object on prior 0, which it overlaps by more than a half; of the three others the worst two are mined."""
    box = np.array([0.02, 0, 0.4, 0.4])
    loc = rng.normal(size=(1, 16)).astype(np.float32)
    conf = rng.normal(size=(1, 12)).astype(np.float32)
    layer = multi_box_loss("code_type: CENTER_SIZE neg_pos_ratio: 2 loc_weight: 3")
    got, = run(layer, loc, conf, PRIOR, objects([0, 2, 0, *box, 0]))
    d = np.abs(loc.reshape(4, 4)[0] - code_of(box, PRIORS[0]))
    loc_loss = np.where(d < 1, d * d / 2, d - 0.5).sum()
    scores = conf.reshape(4, 3).astype(np.float64)
    negatives = sorted((minus_log_p(scores[i], 0) for i in (1, 2, 3)), reverse=True)[:2]
    assert got == pytest.approx(3 * loc_loss + minus_log_p(scores[0], 2) + sum(negatives), rel=1e-5)
    all_of_them, = run(multi_box_loss("code_type: CENTER_SIZE mining_type: NONE loc_weight: 0"), loc, conf, PRIOR,
                       objects([0, 2, 0, *box, 0]))
    want = minus_log_p(scores[0], 2) + sum(minus_log_p(s, 0) for s in scores[1:])
    assert all_of_them == pytest.approx(want, rel=1e-5)


def test_multi_box_loss_normalisers_and_parts():
    loc, conf = rng.normal(size=(2, 16)), rng.normal(size=(2, 12))
    two = objects([0, 2, 0, 0, 0, 0.4, 0.4, 0], [1, 1, 0, 0.5, 0.5, 0.9, 0.9, 0], [-1] * 8)
    whole, = run(multi_box_loss("", "loss_param { normalization: NONE }"), loc, conf, PRIOR, two)
    mean, = run(multi_box_loss(), loc, conf, PRIOR, two)
    full, = run(multi_box_loss("", "loss_param { normalization: FULL }"), loc, conf, PRIOR, two)
    assert mean == pytest.approx(whole / 2, rel=1e-6) and full == pytest.approx(whole / 8, rel=1e-6)
    only_loc, = run(multi_box_loss("", "propagate_down: true propagate_down: false"), loc, conf, PRIOR, two)
    only_conf, = run(multi_box_loss("", "propagate_down: false propagate_down: true"), loc, conf, PRIOR, two)
    assert only_loc + only_conf == pytest.approx(mean, rel=1e-6)


def test_multi_box_loss_without_objects_is_0():
    got, = run(multi_box_loss(), rng.normal(size=(1, 16)), rng.normal(size=(1, 12)), PRIOR, objects([-1] * 8))
    assert got == 0
    difficult = objects([0, 2, 0, 0, 0, 0.4, 0.4, 1])
    got, = run(multi_box_loss("use_difficult_gt: false"), np.zeros((1, 16)), np.zeros((1, 12)), PRIOR, difficult)
    assert got == 0


def test_multi_box_loss_per_class_and_logistic():
    """With a location for each class only that of the object's class is pulled."""
    loc, conf = rng.normal(size=(1, 48)), rng.normal(size=(1, 12))
    one = objects([0, 2, 0, 0, 0, 0.4, 0.4, 0])
    layer = multi_box_loss("share_location: false mining_type: NONE conf_loss_type: LOGISTIC loc_loss_type: L2 "
                           "code_type: CENTER_SIZE")
    got, = run(layer, loc, conf, PRIOR, one)
    pulled = loc.astype(np.float32).reshape(4, 3, 4)[0, 2]
    scores = conf.astype(np.float32).reshape(4, 3).astype(np.float64)
    wanted = np.zeros((4, 3))
    wanted[0, 2] = 1
    want = (pulled ** 2).sum() / 2 + (np.log1p(np.exp(scores)) - scores * wanted).sum()
    assert got == pytest.approx(want, rel=1e-5)


def test_multi_box_loss_errors():
    with pytest.raises(GraphError, match="num_classes"):
        make('type: "MultiBoxLoss"')
    with pytest.raises(UnsupportedError, match="HARD_EXAMPLE"):
        multi_box_loss("mining_type: HARD_EXAMPLE")
    with pytest.raises(GraphError, match="share_location"):
        multi_box_loss("share_location: false")
    with pytest.raises(ShapeError, match=r"\(1, 1, 2, 7\)"):
        multi_box_loss().shapes([(1, 16), (1, 12), (1, 2, 16), (1, 1, 2, 7)])
    with pytest.raises(DataError, match=r"\[3\].*num_classes 3"):
        run(multi_box_loss(), np.zeros((1, 16)), np.zeros((1, 12)), PRIOR, objects([0, 3, 0, 0, 0, 1, 1, 0]))


# -- DetectionEvaluate -----------------------------------------------------------------------------------------

def evaluate(detections, truth, more=""):
    layer = make('type: "DetectionEvaluate" bottom: "d" bottom: "o" top: "e" detection_evaluate_param { '
                 f"num_classes: 3 {more} }}")
    top, = run(layer, np.array(detections, np.float32).reshape(1, 1, -1, 7), objects(*truth))
    return top[0, 0].tolist()


def test_detection_evaluate_by_hand():
    truth = [[0, 1, 0, 0, 0, 0.5, 0.5, 0], [0, 1, 1, 0.5, 0.5, 1, 1, 1], [1, 2, 0, 0, 0, 1, 1, 0]]
    detections = [[0, 1, 0.5, 0, 0, 0.5, 0.4], [0, 1, 0.75, 0, 0, 0.5, 0.5], [0, 1, 0.25, 0.5, 0.5, 1, 1],
                  [0, 2, 1, 0, 0, 1, 1], [1, 2, 0.5, 0, 0, 0.5, 0.5], [2, -1, -1, -1, -1, -1, -1]]
    counts = [[-1, 1, 2, -1, -1], [-1, 2, 1, -1, -1]]
    rows = [[0, 1, 0.75, 1, 0], [0, 1, 0.5, 0, 1], [0, 1, 0.25, 1, 0], [0, 2, 1, 0, 1], [1, 2, 0.5, 0, 1]]
    assert evaluate(detections, truth) == counts + rows
    rows[2][3] = 0                                                  # the difficult object is neither
    counts[0][2] = 1
    assert evaluate(detections, truth, "evaluate_difficult_gt: false") == counts + rows
    rows[4][3:] = [1, 0]
    assert evaluate(detections, truth, "evaluate_difficult_gt: false overlap_threshold: 0.25") == counts + rows


def test_detection_evaluate_errors():
    with pytest.raises(GraphError, match="num_classes"):
        make('type: "DetectionEvaluate"')
    with pytest.raises(ShapeError, match=r"\(1, 1, 5, 6\)"):
        make('type: "DetectionEvaluate" detection_evaluate_param { num_classes: 2 }').shapes(
            [(1, 1, 5, 6), (1, 1, 2, 8)])
