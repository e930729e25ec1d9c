"""Floats that stand for integers: labels, indices, selectors. Blobs are float32, so Caffe casts them with ``(int)``."""

import numpy as np

from ..errors import DataError


def to_index(values, limit, what, of):
    """``values`` truncated towards zero to int64, each in ``range(limit)``.

    Caffe checks the range in few layers and reads beyond its memory in the others; here it is always a
    :class:`DataError`, which says ``what`` (a label, an index) is out of range ``of`` what.
    """
    whole = np.trunc(np.asarray(values, np.float64))
    bad = ~((whole >= 0) & (whole < limit))         # written so that NaN is bad too
    if bad.any():
        first = int(np.flatnonzero(bad.ravel())[0])
        value = float(np.asarray(values).ravel()[first])
        shown = f"{value:g}" if not value.is_integer() else str(int(value))
        raise DataError(f"{what} {shown} (element {first}) is out of range: there are {limit} {of}, "
                        f"so it must be from 0 to {limit - 1}" if limit > 0 else
                        f"{what} {shown} (element {first}) is out of range: there are no {of}")
    return whole.astype(np.int64)
