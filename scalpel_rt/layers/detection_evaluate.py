"""DetectionEvaluate: which detections hit an object, as mean average precision needs it (SSD)."""

import numpy as np

from ..errors import GraphError, ShapeError
from ._base import Layer, as_f32
from ._boxes import best_first, overlaps
from ._registry import register


@register
class DetectionEvaluate(Layer):
    """detections (1, 1, D, 7), objects (1, 1, G, 8) -> (1, 1, R, 5):

    for each label but the background [-1, label, number of objects, -1, -1], then for each detection with a label
    [item, label, confidence, true positive, false positive]. Objects are [item, label, instance, xmin, ymin, xmax,
    ymax, difficult]. A detection is true when it overlaps its best object by ``overlap_threshold`` or more and is the
    most confident one to do so; difficult objects count only with ``evaluate_difficult_gt``, else detections of them
    are neither true nor false. Boxes are parts of the image (``name_size_file`` is not read).
    """

    type = "DetectionEvaluate"
    origin = "SSD"
    bottoms = (2, 2)
    dynamic = True

    def parse(self, message):
        p = message.detection_evaluate_param
        if not p.HasField("num_classes"):
            raise GraphError("detection_evaluate_param needs num_classes")
        self.num_classes, self.background = p.num_classes, p.background_label_id
        self.count = p.num_classes - (p.background_label_id < p.num_classes)
        self.threshold, self.difficult = p.overlap_threshold, p.evaluate_difficult_gt
        if self.threshold <= 0:
            raise GraphError(f"detection_evaluate_param overlap_threshold must be above 0, not {self.threshold:g}")

    def shapes(self, bottoms):
        detections, objects = bottoms
        if len(detections) != 4 or len(objects) != 4 or (detections[:2], detections[3]) != ((1, 1), 7) \
                or (objects[:2], objects[3]) != ((1, 1), 8):
            raise ShapeError(f"DetectionEvaluate takes detections (1, 1, D, 7) and objects (1, 1, G, 8), not "
                             f"{detections} and {objects}")
        return [(1, 1, self.count + detections[2], 5)]

    def forward(self, bottoms, params):
        detections, objects = (b[0, 0].astype(np.float64) for b in bottoms)
        detections = detections[detections[:, 1] != -1]
        objects = objects[objects[:, 0] != -1]
        counted = objects[:, 7] == 0 if not self.difficult else np.ones(len(objects), bool)
        rows = [(-1, label, (counted & (objects[:, 1] == label)).sum(), -1, -1)
                for label in range(self.num_classes) if label != self.background]
        for item in np.unique(detections[:, 0]):
            for label in np.unique(detections[detections[:, 0] == item, 1]):
                rows += self._rows(item, label, *(d[(d[:, 0] == item) & (d[:, 1] == label)]
                                                  for d in (detections, objects)))
        return [as_f32(np.array(rows, np.float64).reshape(1, 1, -1, 5))]

    def _rows(self, item, label, detections, objects):
        """The rows of one label of one item."""
        found = set()
        for row in detections[best_first(detections[:, 2])] if len(objects) else detections:
            hit = wrong = False
            shares = overlaps(row[3:], objects[:, 3:7])
            best = int(shares.argmax()) if len(shares) else None
            if best is None or shares[best] < self.threshold:
                wrong = True
            elif self.difficult or not objects[best, 7]:
                hit = best not in found
                wrong = not hit
                found.add(best)
            yield item, label, row[2], hit, wrong
