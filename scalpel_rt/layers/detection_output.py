"""DetectionOutput: from SSD's predictions to a list of detections."""

import numpy as np

from ..errors import GraphError
from ._base import Layer, as_f32
from ._boxes import best_first, suppress
from ._forks import given
from ._registry import register
from ._ssd import count_priors, decode, priors_of


@register
class DetectionOutput(Layer):
    """locations (N, 4 L P), confidences (N, K P), priors (1, 2, 4P) -> (1, 1, D, 7), D as many as there are:

    [item, label, confidence, xmin, ymin, xmax, ymax], coordinates as parts of the image, not cut to it.

    For each label but the background, boxes above ``confidence_threshold``, the ``top_k`` best of them, go through
    non-maximum suppression; of an item's boxes the ``keep_top_k`` most confident stay. Rows are sorted by item, label,
    and confidence. Without any detection there is a row [item, -1, ..., -1] for each item, as in SSD. L is 1 with
    ``share_location``, else K, the number of classes. Results are never saved to files (``save_output_param``).
    """

    type = "DetectionOutput"
    origin = "SSD"
    bottoms = (3, 3)
    dynamic = True

    def parse(self, message):
        p = message.detection_output_param
        if not p.HasField("num_classes"):
            raise GraphError("detection_output_param needs num_classes")
        self.num_classes, self.background = p.num_classes, p.background_label_id
        self.loc_classes = 1 if p.share_location else p.num_classes
        self.code = type(message.prior_box_param).CodeType.Name(p.code_type)
        self.in_target = p.variance_encoded_in_target
        nms = p.nms_param
        self.threshold = given(nms, "nms_threshold", given(p, "nms_threshold", nms.nms_threshold))
        self.eta = nms.eta
        self.top_k = given(nms, "top_k", given(p, "top_k", -1))
        self.keep_top_k = p.keep_top_k
        self.least = given(p, "confidence_threshold", -np.inf)
        if self.threshold < 0 or not 0 < self.eta <= 1:
            raise GraphError(f"nms_threshold must be at least 0 and eta in (0, 1], not {self.threshold:g} and "
                             f"{self.eta:g}")
        if p.save_output_param.output_directory:
            self.note = f"detections are not saved to {p.save_output_param.output_directory!r}"

    def shapes(self, bottoms):
        count_priors(*bottoms, self.loc_classes, self.num_classes)
        return [(1, 1, 1, 7)]

    def forward(self, bottoms, params):
        loc, conf, prior = bottoms
        items = loc.shape[0]
        priors, variances = priors_of(prior)
        codes = loc.astype(np.float64).reshape(items, len(priors), self.loc_classes, 4).transpose(0, 2, 1, 3)
        boxes = decode(codes, priors, variances, self.code, self.in_target)
        scores = conf.astype(np.float64).reshape(items, len(priors), self.num_classes).transpose(0, 2, 1)
        rows = [row for item in range(items) for row in self._rows(item, boxes[item], scores[item])]
        if not rows:
            rows = [(item, *[-1] * 6) for item in range(items)]
        return [as_f32(np.array(rows).reshape(1, 1, -1, 7))]

    def _rows(self, item, boxes, scores):
        """The detections of an item: boxes (L, P, 4), scores (K, P)."""
        found = []
        for label in range(self.num_classes):
            if label == self.background:
                continue
            place = boxes[0 if self.loc_classes == 1 else label]
            order = np.flatnonzero(scores[label] > self.least)
            order = order[best_first(scores[label, order], self.top_k if self.top_k > -1 else None)]
            kept = order[suppress(place[order], self.threshold, eta=self.eta)]
            found += [(scores[label, i], item, label, place[i]) for i in kept]
        if -1 < self.keep_top_k < len(found):
            best = best_first(np.array([row[0] for row in found]), self.keep_top_k)
            found = [found[i] for i in sorted(best)]
        return [(item, label, score, *box) for score, item, label, box in found]
