"""YoloDetectionOutput: the detections of YOLOv2."""

import numpy as np

from ..errors import GraphError
from ._registry import register
from ._yolo import YoloOutput


@register
class YoloDetectionOutput(YoloOutput):
    """See :class:`~scalpel_rt.layers._yolo.YoloOutput`. A box has the label of its best class, and the softmax of that
    times the objectness as confidence; it counts from ``confidence_threshold`` on. Anchors are in cells.
    """

    type = "YoloDetectionOutput"
    bottoms = (1, 2)

    def parse(self, message):
        self.read(message.yolo_detection_output_param)
        if len(self.anchors) < self.num_box:
            raise GraphError(f"YoloDetectionOutput has {len(self.anchors)} anchors for {self.num_box} boxes")

    def forward(self, bottoms, params):
        maps = [self.cells(x, self.anchors[:self.num_box], x.shape[:1:-1]) for x in bottoms]
        boxes, objectness, classes = (np.concatenate(part, axis=1) for part in zip(*maps, strict=True))
        classes = np.exp(classes - classes.max(axis=-1, keepdims=True))
        classes /= classes.sum(axis=-1, keepdims=True)
        labels, scores = classes.argmax(axis=-1) + 1, objectness * classes.max(axis=-1)
        found = scores >= self.least
        return [self.detections([(boxes[n][found[n]], labels[n][found[n]], scores[n][found[n]])
                                 for n in range(len(boxes))])]
