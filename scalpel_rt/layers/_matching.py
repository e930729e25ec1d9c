"""Which prior box stands for which object, when SSD is trained."""

import numpy as np

from ._boxes import overlaps

#: in place of the index of an object
UNMATCHED, CROSSING = -1, -2


def match(objects, boxes, per_prediction, threshold, ignore_crossing):
    """(object of each box, or UNMATCHED or CROSSING; its largest overlap) for objects (G, 4) and boxes (P, 4).

    First each object gets the box that overlaps it most, the best pair first; with ``per_prediction`` every box left
    then gets the object that it overlaps most, if by ``threshold`` or more. Boxes that leave the image take no part
    with ``ignore_crossing``.
    """
    shares = np.zeros((len(boxes), len(objects)))
    for g, other in enumerate(objects):
        shares[:, g] = overlaps(other, boxes)
    shares[shares <= 1e-6] = 0
    owners = np.full(len(boxes), UNMATCHED)
    if ignore_crossing:
        crossing = ((boxes < 0) | (boxes > 1)).any(axis=1)
        owners[crossing], shares[crossing] = CROSSING, 0
    largest = shares.max(axis=1, initial=0)
    left = shares.copy()
    for _ in range(len(objects)):
        box, best = np.unravel_index(left.argmax(), left.shape)
        if left[box, best] == 0:
            break
        owners[box], largest[box] = best, left[box, best]
        left[box], left[:, best] = 0, 0
    if per_prediction and len(objects):
        free = (owners == UNMATCHED) & (shares.max(axis=1) >= threshold) & (shares.max(axis=1) > 0)
        owners[free] = shares[free].argmax(axis=1)
    return owners, largest
