"""Yolov3DetectionOutput: the detections of YOLOv3, from maps of several scales."""

import numpy as np

from ..errors import GraphError
from ._functions import sigmoid
from ._registry import register
from ._yolo import YoloOutput


@register
class Yolov3DetectionOutput(YoloOutput):
    """See :class:`~scalpel_rt.layers._yolo.YoloOutput`. Every class of a box whose sigmoid times the objectness is
    above ``confidence_threshold`` is a detection of its own. Anchors are in pixels of the image; ``mask`` names those
    of each map, one map after another, ``anchors_scale`` how many pixels a cell of each map is.
    """

    type = "Yolov3DetectionOutput"
    bottoms = (1, None)

    def parse(self, message):
        p = message.yolov3_detection_output_param
        self.read(p)
        self.groups, self.scales = p.mask_group_num, tuple(p.anchors_scale)
        each = len(p.mask) // max(1, self.groups)
        if len(self.scales) < self.groups or each < self.num_box or any(m >= len(self.anchors) for m in p.mask):
            raise GraphError(f"Yolov3DetectionOutput with {self.groups} maps of {self.num_box} boxes needs as many "
                             f"anchors_scale and {self.groups * self.num_box} mask values below {len(self.anchors)}, "
                             f"not {list(self.scales)} and {list(p.mask)}")
        self.masks = [list(p.mask[i * each:i * each + self.num_box]) for i in range(self.groups)]

    def check_counts(self, n_bottoms, n_tops):
        super().check_counts(n_bottoms, n_tops)
        if n_bottoms != self.groups:
            raise GraphError(f"mask_group_num is {self.groups}, but there are {n_bottoms} bottoms")

    def forward(self, bottoms, params):
        found = [[] for _ in range(bottoms[0].shape[0])]
        for x, mask, scale in zip(bottoms, self.masks, self.scales, strict=False):
            boxes, objectness, classes = self.cells(x, self.anchors[mask], (x.shape[3] * scale, x.shape[2] * scale))
            scores = sigmoid(classes) * objectness[..., None]
            for n, place in enumerate(found):
                box, label = np.nonzero(scores[n] > self.least)
                place.append((boxes[n][box], label + 1, scores[n][box, label]))
        return [self.detections([tuple(np.concatenate(part) for part in zip(*place, strict=True)) for place in found])]
