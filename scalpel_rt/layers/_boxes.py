"""Boxes (xmin, ymin, xmax, ymax): overlap and non-maximum suppression."""

import numpy as np


def areas(boxes, plus=0.0):
    """Areas of boxes (N, 4), 0 for a turned-over one. ``plus`` is 1 where corners are pixels that belong to the box."""
    sides = boxes[:, 2:] - boxes[:, :2]
    return np.where((sides < 0).any(axis=1), 0.0, (sides[:, 0] + plus) * (sides[:, 1] + plus))


def overlaps(box, boxes, plus=0.0):
    """Intersection over union of one box (4) with boxes (N, 4); 0 where they do not meet."""
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2]) + plus
    meet = (sides > 0).all(axis=1)
    shared = np.where(meet, sides[:, 0] * sides[:, 1], 0.0)
    union = areas(box[None], plus)[0] + areas(boxes, plus) - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=meet & (union > 0))


def suppress(boxes, threshold, plus=0.0, eta=1.0, limit=None):
    """Indices of the boxes that greedy non-maximum suppression keeps, of boxes (N, 4) ordered best first.

    A box stays if it overlaps none that stayed by more than the threshold; after each that stays, a threshold above
    0.5 is multiplied by ``eta`` (SSD). No more than ``limit`` are kept.
    """
    kept = []
    worst = np.zeros(len(boxes))                    # the largest overlap with a kept box
    for i in range(len(boxes)):
        if limit is not None and len(kept) >= limit:
            break
        if worst[i] > threshold:
            continue
        kept.append(i)
        np.maximum(worst[i + 1:], overlaps(boxes[i], boxes[i + 1:], plus), out=worst[i + 1:])
        if eta < 1 and threshold > 0.5:
            threshold *= eta
    return np.array(kept, dtype=np.int64)


def best_first(scores, limit=None):
    """Indices that sort scores descending, equal ones in their order; the first ``limit`` of them."""
    order = np.argsort(-scores, kind="stable")
    return order if limit is None else order[:limit]
