"""Region proposals as Faster R-CNN makes them (Ren, He, Girshick, Sun, 2015): anchors, decoding, suppression."""

import re
from dataclasses import dataclass

import numpy as np

from ..errors import ShapeError
from ._base import as_f32, count
from ._boxes import best_first, suppress

RATIOS = (0.5, 1.0, 2.0)
SCALES = (8.0, 16.0, 32.0)


@dataclass(frozen=True)
class RegionProposals:
    """Scores (N, 2A, H, W), deltas (N, 4A, H, W), im_info -> boxes (R, 5) [item, xmin, ymin, xmax, ymax] [, scores].

    The A anchors are centred on a cell of ``base_size`` pixels, for each ratio (height to width) all scales.
    ``im_info`` holds height, width and scale of the image (and a second scale, for the width). Boxes are cut to the
    image; those with a side under ``min_size`` times the scale are dropped; the ``pre_nms`` best go through
    non-maximum suppression, the ``post_nms`` best of what is left come out. Corners are pixels: a side is
    xmax - xmin + 1.
    """

    feat_stride: float = 16
    base_size: float = 16
    min_size: float = 16
    ratios: tuple = RATIOS
    scales: tuple = SCALES
    pre_nms: int = 6000
    post_nms: int = 300
    threshold: float = 0.7
    score_axes: int = 1                 # 1: scores of shape (R); 2: (R, 1)

    def shapes(self, bottoms, n_tops):
        scores, deltas, info = bottoms
        n_anchors = len(self.ratios) * len(self.scales)
        if len(scores) != 4 or len(deltas) != 4 or deltas != (scores[0], 4 * n_anchors, *scores[2:]) \
                or scores[1] != 2 * n_anchors:
            raise ShapeError(f"{n_anchors} anchors need scores of shape (N, {2 * n_anchors}, H, W) and deltas of "
                             f"(N, {4 * n_anchors}, H, W), not {scores} and {deltas}")
        if not info or info[-1] < 3 or count(info) < info[-1]:
            raise ShapeError(f"im_info needs height, width and scale, but has shape {info}")
        rows = scores[0] * self.post_nms
        return [(rows, 5), (rows, 1)[:self.score_axes]][:n_tops]

    def anchors(self):
        """(A, 4): corners of the anchors around the first cell."""
        centre = 0.5 * (self.base_size - 1)
        boxes = []
        for ratio in self.ratios:
            width = np.floor(np.sqrt(self.base_size * self.base_size / ratio) + 0.5)
            height = np.floor(width * ratio + 0.5)
            for scale in self.scales:
                x, y = 0.5 * (width * scale - 1), 0.5 * (height * scale - 1)
                boxes.append((centre - x, centre - y, centre + x, centre + y))
        return np.array(boxes)

    def forward(self, bottoms, n_tops):
        scores, deltas, infos = (b.astype(np.float64) for b in bottoms)
        items = scores.shape[0]
        infos = infos.reshape(-1, infos.shape[-1])
        boxes, found = [], []
        for n in range(items):
            box, score = self._of_item(scores[n], deltas[n], infos[min(n, len(infos) - 1)])
            boxes.append(np.concatenate([np.full((len(box), 1), n), box], axis=1))
            found.append(score)
        boxes, found = np.concatenate(boxes), np.concatenate(found)
        return [as_f32(boxes), as_f32(found.reshape(-1, 1) if self.score_axes == 2 else found)][:n_tops]

    def _of_item(self, scores, deltas, info):
        anchors = self.anchors()
        a = len(anchors)
        height, width = scores.shape[1:]
        y, x = np.mgrid[:height, :width] * self.feat_stride
        boxes = (np.stack([x, y, x, y], axis=-1)[:, :, None] + anchors).reshape(-1, 4)
        deltas = deltas.reshape(a, 4, height, width).transpose(2, 3, 0, 1).reshape(-1, 4)
        scores = scores[a:].transpose(1, 2, 0).ravel()
        boxes = shift_boxes(boxes, deltas)
        boxes = np.clip(boxes, 0, [info[1] - 1, info[0] - 1] * 2)
        scale = np.array([info[3] if len(info) == 4 else info[2], info[2]])
        sides = boxes[:, 2:] - boxes[:, :2] + 1
        large = np.flatnonzero((sides >= self.min_size * scale).all(axis=1))
        order = large[best_first(scores[large], self.pre_nms)]
        order = order[suppress(boxes[order], self.threshold, plus=1.0, limit=self.post_nms)]
        return boxes[order], scores[order]


def shift_boxes(boxes, deltas):
    """Boxes (N, 4) moved by dx, dy (in sides) and stretched by exp(dw), exp(dh)."""
    sides = boxes[:, 2:] - boxes[:, :2] + 1
    centres = boxes[:, :2] + 0.5 * sides + deltas[:, :2] * sides
    halves = 0.5 * np.exp(deltas[:, 2:]) * sides
    return np.concatenate([centres - halves, centres + halves], axis=1)


def python_proposal(param_str):
    """What py-faster-rcnn's ProposalLayer does in a test, from its ``param_str``: feat_stride and perhaps scales."""
    stride = re.search(r"feat_stride['\"]?\s*:\s*([0-9.]+)", param_str)
    scales = re.search(r"scales['\"]?\s*:\s*[\[(]([^\])]*)[\])]", param_str)
    return RegionProposals(
        feat_stride=float(stride[1]) if stride else 16,
        scales=tuple(float(s) for s in scales[1].split(",") if s.strip()) if scales else SCALES,
        score_axes=2)
