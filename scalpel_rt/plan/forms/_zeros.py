"""The zeros of weights, counted once however many kernels ask."""

import weakref

from ...sparse import stats

_known = {}     # (id of the array, group) -> (weak reference to the array, its Stats)


def zeros(weights, group=1):
    """The :class:`~scalpel_rt.sparse.Stats` of weights whose outputs are in ``group`` groups."""
    key = id(weights), group
    if key not in _known:
        _known[key] = weakref.ref(weights, lambda _: _known.pop(key, None)), stats(weights, group=group)
    return _known[key][1]
