"""Detections from YOLO's feature maps (Redmon, Farhadi, 2016 and 2018)."""

import numpy as np

from ..errors import GraphError, ShapeError
from ._base import Layer, as_f32
from ._boxes import best_first, suppress
from ._functions import sigmoid


class YoloOutput(Layer):
    """Feature maps (N, A (5 + K), H, W) -> (1, 1, D, 7): [item, label, confidence, xmin, ymin, xmax, ymax].

    Each cell has A boxes of x, y, width, height, objectness and K classes. Labels count from 1, coordinates are parts
    of the image. Non-maximum suppression drops a box that overlaps a more confident one, of whatever label, by
    ``nms_threshold`` or more. Without any detection there is a row [item, -1, ..., -1] for each item. A map need not be
    square and a batch may have several items, each by itself; their authors' layers need squares and see one item.
    """

    origin = "eric612's YOLO port"
    dynamic = True

    def read(self, p):
        """Take over what both versions have; GraphError for what is missing."""
        if not p.HasField("num_classes") or min(p.num_classes, p.num_box) < 1:
            raise GraphError(f"{self.type} needs num_classes and num_box above 0")
        self.num_classes, self.num_box = p.num_classes, p.num_box
        self.least, self.threshold = p.confidence_threshold, p.nms_threshold
        self.anchors = np.array(p.biases, np.float64).reshape(-1, 2) if len(p.biases) % 2 == 0 else None
        if self.anchors is None or not len(self.anchors):
            raise GraphError(f"{self.type} needs biases, a width and a height for each anchor")

    def shapes(self, bottoms):
        channels = self.num_box * (5 + self.num_classes)
        for x in bottoms:
            if len(x) != 4 or x[1] != channels or x[0] != bottoms[0][0]:
                raise ShapeError(f"{self.num_box} boxes of {self.num_classes} classes need maps of shape "
                                 f"(N, {channels}, H, W), not {x}")
        return [(1, 1, 1, 7)]

    def cells(self, x, anchors, unit):
        """(boxes (N, A H W, 4), objectness (N, A H W), class scores (N, A H W, K)) of a map, before any function of the
        last. ``unit`` is how many of the anchors' units (width, height) the image is."""
        n, _, height, width = x.shape
        x = x.astype(np.float64).reshape(n, self.num_box, 5 + self.num_classes, height, width)
        column, row = np.arange(width), np.arange(height)[:, None]
        cx, cy = (column + sigmoid(x[:, :, 0])) / width, (row + sigmoid(x[:, :, 1])) / height
        w = np.exp(x[:, :, 2]) * anchors[:, 0, None, None] / unit[0]
        h = np.exp(x[:, :, 3]) * anchors[:, 1, None, None] / unit[1]
        boxes = np.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], axis=-1)
        # candidates in the order of the authors' loops: cell, then box
        each = height * width * self.num_box
        return (boxes.transpose(0, 2, 3, 1, 4).reshape(n, each, 4),
                sigmoid(x[:, :, 4]).transpose(0, 2, 3, 1).reshape(n, each),
                x[:, :, 5:].transpose(0, 3, 4, 1, 2).reshape(n, each, self.num_classes))

    def detections(self, candidates):
        """The top, of a list for each item of (boxes (M, 4), labels from 1 (M,), confidences (M,))."""
        rows = []
        for item, (boxes, labels, scores) in enumerate(candidates):
            order = best_first(scores)
            order = order[suppress(boxes[order], np.nextafter(self.threshold, -np.inf))]
            rows += [(item, labels[i], scores[i], *boxes[i]) for i in order]
        if not rows:
            rows = [(item, *[-1] * 6) for item in range(len(candidates))]
        return as_f32(np.array(rows).reshape(1, 1, -1, 7))
