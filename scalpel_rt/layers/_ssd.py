"""Boxes as SSD codes them (Liu et al., 2016): the difference to a prior box, in four numbers."""

import numpy as np

from ..errors import ShapeError
from ._base import count


def priors_of(blob):
    """(boxes (P, 4), variances (P, 4)), float64, of PriorBox's top (1, 2, 4P)."""
    values = blob.astype(np.float64).reshape(2, -1, 4)
    return values[0], values[1]


def count_priors(loc, conf, prior, loc_classes, num_classes):
    """P of the shapes of SSD's bottoms; ShapeError where they do not belong together."""
    if len(prior) < 3 or prior[:2] != (1, 2) or count(prior, 2) % 4:
        raise ShapeError(f"the priors must have shape (1, 2, 4P), not {prior}")
    n = count(prior, 2) // 4
    if not loc or not conf or loc[0] != conf[0]:
        raise ShapeError(f"locations {loc} and confidences {conf} must have the same batch size")
    if count(loc, 1) != n * loc_classes * 4:
        raise ShapeError(f"{n} priors (shape {prior}) need {n * loc_classes * 4} location numbers an item, but the "
                         f"locations have shape {loc}")
    if count(conf, 1) != n * num_classes:
        raise ShapeError(f"{n} priors (shape {prior}) and {num_classes} classes need {n * num_classes} confidences an "
                         f"item, but they have shape {conf}")
    return n


def decode(codes, priors, variances, code, in_target):
    """Boxes (..., P, 4) of codes (..., P, 4). ``code`` is CORNER, CENTER_SIZE or CORNER_SIZE; with ``in_target`` the
    codes hold the variances already."""
    scaled = codes if in_target else codes * variances
    low, high = priors[:, :2], priors[:, 2:]
    sides = high - low
    if code == "CORNER":
        return priors + scaled
    if code == "CORNER_SIZE":
        return priors + scaled * np.concatenate([sides, sides], axis=1)
    centres = scaled[..., :2] * sides + (low + high) / 2
    halves = np.exp(scaled[..., 2:]) * sides / 2
    return np.concatenate([centres - halves, centres + halves], axis=-1)


def encode(boxes, priors, variances, code, in_target):
    """The codes (P, 4) of boxes (P, 4): what :func:`decode` undoes."""
    low, high = priors[:, :2], priors[:, 2:]
    sides = high - low
    if code == "CORNER":
        codes = boxes - priors
    elif code == "CORNER_SIZE":
        codes = (boxes - priors) / np.concatenate([sides, sides], axis=1)
    else:
        centres = (boxes[:, :2] + boxes[:, 2:] - low - high) / 2 / sides
        codes = np.concatenate([centres, np.log((boxes[:, 2:] - boxes[:, :2]) / sides)], axis=1)
    return codes if in_target else codes / variances
