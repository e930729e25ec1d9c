"""Holds results against what Caffe computed, and messages against what they must name."""

import re

import numpy as np

RTOL = 1e-4     # of the largest magnitude in the blob


def difference(got, want, rtol=RTOL, floor=1.0):
    """None when ``got`` is ``want`` within the tolerance, with NaN and infinities in the same places; else why not.

    The tolerance is ``rtol`` times the largest magnitude in ``want``, or times ``floor`` if that is larger.
    """
    got = np.asarray(got)
    if got.shape != want.shape:
        return f"shape {got.shape}, expected {want.shape}"
    got, want = got.astype(np.float64), want.astype(np.float64)
    finite = np.isfinite(want)
    if not np.array_equal(np.isnan(got), np.isnan(want)):
        return "NaN at other places"
    if not np.array_equal(np.where(np.isinf(got), got, 0), np.where(np.isinf(want), want, 0)):
        return "infinities at other places"
    if not finite.any():
        return None
    limit = rtol * max(floor, np.abs(want[finite]).max())
    gap = np.abs(got[finite] - want[finite])
    if gap.max() <= limit:
        return None
    worst = gap.argmax()
    return f"off by {gap.max():.3g} (allowed {limit:.3g}): {got[finite][worst]:.7g}, expected {want[finite][worst]:.7g}"


def names(message, token):
    """Whether an error's text names ``token``: a shape in any common spelling, numbers as words."""
    numbers = re.findall(r"-?\d+", token)
    if token.startswith("(") and numbers:
        return re.search(r"(?<!\d)" + r"[^\d\n]{1,3}".join(numbers) + r"(?!\d)", message) is not None
    if re.fullmatch(r"-?[\d.]+", token):
        return re.search(r"(?<![\d.])" + re.escape(token) + r"(?![\d])", message) is not None
    return token.lower() in message.lower()
