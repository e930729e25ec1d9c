"""Boxes (xmin, ymin, xmax, ymax): overlap and non-maximum suppression."""

import numpy as np


def areas(boxes, plus=0.0):
    """Areas of boxes (N, 4), 0 for a turned-over one. ``plus`` is 1 where corners are pixels that belong to the box."""
    sides = boxes[:, 2:] - boxes[:, :2]
    return np.where((sides < 0).any(axis=1), 0.0, (sides[:, 0] + plus) * (sides[:, 1] + plus))


def overlaps(box, boxes, plus=0.0):
    """Intersection over union of one box (4) with boxes (N, 4); 0 where they do not meet."""
    return _overlaps(box, areas(box[None], plus)[0], boxes.T, areas(boxes, plus), plus)


def _overlaps(box, area, columns, all_areas, plus):
    """The same with the boxes as (4, N) and the areas known."""
    width = np.minimum(box[2], columns[2]) - np.maximum(box[0], columns[0]) + plus
    height = np.minimum(box[3], columns[3]) - np.maximum(box[1], columns[1]) + plus
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    union = area + all_areas - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def suppress(boxes, threshold, plus=0.0, eta=1.0, limit=None):
    """Indices of the boxes that greedy non-maximum suppression keeps, of boxes (N, 4) ordered best first.

    A box stays if it overlaps none that stayed by more than the threshold; after each that stays, a threshold above
    0.5 is multiplied by ``eta`` (SSD). No more than ``limit`` are kept.
    """
    kept = []
    left, columns, sizes = np.arange(len(boxes)), np.ascontiguousarray(boxes.T), areas(boxes, plus)
    worst = np.zeros(len(boxes))                    # the largest overlap with a kept box, of each that is left
    while len(left) and (limit is None or len(kept) < limit):
        kept.append(left[0])
        best, area = columns[:, 0], sizes[0]
        left, columns, sizes, worst = left[1:], columns[:, 1:], sizes[1:], worst[1:]
        worst = np.maximum(worst, _overlaps(best, area, columns, sizes, plus))
        if eta < 1 and threshold > 0.5:
            threshold *= eta
        stay = worst <= threshold                   # thresholds only fall, so what is out stays out
        if not stay.all():
            left, columns, sizes, worst = left[stay], columns[:, stay], sizes[stay], worst[stay]
    return np.array(kept, dtype=np.int64)


def best_first(scores, limit=None):
    """Indices that sort scores descending, equal ones in their order; the first ``limit`` of them."""
    order = np.argsort(-scores, kind="stable")
    return order if limit is None else order[:limit]
