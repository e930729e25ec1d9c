"""YOLO's detections, box by box."""

import numpy as np
import pytest

from scalpel_rt.errors import GraphError, ShapeError

from .harness import make, run

rng = np.random.default_rng(17)


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def iou(a, b):
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(w, 0) * max(h, 0)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def keep(found, threshold):
    """found: (confidence, label, box); the rows that greedy suppression leaves, best first."""
    kept = []
    for row in sorted(found, key=lambda row: -row[0]):
        if all(iou(row[2], other[2]) < threshold for other in kept):
            kept.append(row)
    return [(label, score, *box) for score, label, box in kept]


def box_of(cell, i, j, w, h, anchor, unit):
    cx, cy = (i + sigmoid(cell[0])) / w, (j + sigmoid(cell[1])) / h
    bw, bh = np.exp(cell[2]) * anchor[0] / unit[0], np.exp(cell[3]) * anchor[1] / unit[1]
    return np.array([cx - bw / 2, cy - bh / 2, cx + bw / 2, cy + bh / 2])


def test_yolov2():
    x = rng.normal(size=(2, 2 * 8, 3, 4)).astype(np.float32)
    layer = make('type: "YoloDetectionOutput" bottom: "x" top: "d" yolo_detection_output_param { num_classes: 3 '
                 "num_box: 2 confidence_threshold: 0.25 nms_threshold: 0.4 biases: 1 biases: 2 biases: 3 biases: 1 }")
    got, = run(layer, x)
    want = []
    for n in range(2):
        found = []
        for j in range(3):
            for i in range(4):
                for a, anchor in enumerate([(1, 2), (3, 1)]):
                    cell = x[n, a * 8:a * 8 + 8, j, i].astype(np.float64)
                    p = np.exp(cell[5:]) / np.exp(cell[5:]).sum()
                    score = sigmoid(cell[4]) * p.max()
                    if score >= 0.25:
                        found.append((score, p.argmax() + 1, box_of(cell, i, j, 4, 3, anchor, (4, 3))))
        want += [(n, *row) for row in keep(found, np.float32(0.4))]
    assert len(want) > 4
    np.testing.assert_allclose(got[0, 0], want, rtol=1e-5, atol=1e-5)


def test_yolov3():
    maps = [rng.normal(size=(1, 2 * 7, 2, 2)).astype(np.float32), rng.normal(size=(1, 2 * 7, 4, 4)).astype(np.float32)]
    layer = make('type: "Yolov3DetectionOutput" bottom: "x" bottom: "z" top: "d" yolov3_detection_output_param { '
                 "num_classes: 2 num_box: 2 confidence_threshold: 0.3 nms_threshold: 0.45 mask_group_num: 2 "
                 "mask: 2 mask: 3 mask: 0 mask: 1 anchors_scale: 32 anchors_scale: 16 "
                 + " ".join(f"biases: {v}" for v in (10, 13, 16, 30, 33, 23, 30, 61)) + " }")
    got, = run(layer, *maps)
    anchors = [[(33, 23), (30, 61)], [(10, 13), (16, 30)]]
    found = []
    for x, own in zip(maps, anchors, strict=True):
        side = x.shape[2]
        for j in range(side):
            for i in range(side):
                for a in range(2):
                    cell = x[0, a * 7:a * 7 + 7, j, i].astype(np.float64)
                    for c in range(2):
                        score = sigmoid(cell[4]) * sigmoid(cell[5 + c])
                        if score > 0.3:
                            found.append((score, c + 1, box_of(cell, i, j, side, side, own[a], (64, 64))))
    want = [(0, *row) for row in keep(found, np.float32(0.45))]
    assert len(want) > 4
    np.testing.assert_allclose(got[0, 0], want, rtol=1e-5, atol=1e-5)


def test_nothing_found():
    layer = make('type: "YoloDetectionOutput" bottom: "x" top: "d" yolo_detection_output_param { num_classes: 1 '
                 "num_box: 1 confidence_threshold: 0.9 biases: 1 biases: 1 }")
    got, = run(layer, np.full((2, 6, 2, 2), -9.0))
    np.testing.assert_array_equal(got[0, 0], [[0] + [-1] * 6, [1] + [-1] * 6])


def test_errors():
    with pytest.raises(GraphError, match="num_classes"):
        make('type: "YoloDetectionOutput"')
    text = 'type: "YoloDetectionOutput" yolo_detection_output_param { num_classes: 1 num_box: %d biases: 1 biases: 1 }'
    with pytest.raises(GraphError, match="1 anchors for 2 boxes"):
        make(text % 2)
    with pytest.raises(GraphError, match="mask"):
        make('type: "Yolov3DetectionOutput" yolov3_detection_output_param { num_classes: 1 num_box: 1 biases: 1 '
             "biases: 1 anchors_scale: 8 mask_group_num: 1 mask: 1 }")
    with pytest.raises(ShapeError, match=r"\(N, 6, H, W\), not \(1, 7, 2, 2\)"):
        make(text % 1).shapes([(1, 7, 2, 2)])
