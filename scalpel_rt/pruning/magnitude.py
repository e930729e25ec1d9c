"""Traditional pruning: single weights of small magnitude become zero.

Source: Han, Pool, Tran, Dally, "Learning both Weights and Connections for Efficient Neural Networks", NIPS 2015.
"""

import numpy as np

from .choose import asked, select
from .weights import by_owner, weights


def masks(graph, *, sparsity=None, threshold=None, quality=None, layers=None, scope="layer"):
    """Choose weights by magnitude.

    Parameters
    ----------
    graph : Graph
    sparsity : float in [0, 1) or {layer: float}
        Share of the weights to remove, counting those that are zero already; reached exactly or exceeded by less than
        one weight.
    threshold : float or {layer: float}
        Weights whose magnitude is below it go.
    quality : float or {layer: float}
        The same with a threshold of ``quality`` times the standard deviation of the layer's weights, Han's
        sensitivity parameter. Zeros do not count in it, so that pruning can go on from a pruned net.
    layers : iterable of str, optional
        Only these; default all convolutions and fully connected layers.
    scope : "layer" or "global"
        Whether each layer, or all together, reach the sparsity (the standard deviation, too, is then that of all).

    Exactly one of the first three is given. Returns {(layer, 0): bool array of the weights' shape, True = kept}.
    Raises OptionsError for what is out of range, names no layer, or would leave a layer without weights, WeightsError
    for a NaN.
    """
    way, value, found = check(graph, sparsity=sparsity, threshold=threshold, quality=quality, layers=layers,
                              scope=scope)
    if way == "quality":
        way, value = "threshold", _thresholds(value, found, scope)
    scores = {w.layer: np.abs(w.param.array) for w in found}
    kept = select(way, value, {layer: (s, np.ones(s.shape, np.int64)) for layer, s in scores.items()}, scope)
    return {w.key: kept[w.layer] for w in found}


def check(graph, *, sparsity=None, threshold=None, quality=None, layers=None, scope="layer"):
    """(the way, its value, the weights) that options of :func:`masks` ask for; its errors, but those that hang on what
    would be left."""
    way, value, layers = asked(layers, scope, sparsity=sparsity, threshold=threshold, quality=quality)
    found = weights(graph, layers)
    return way, by_owner(value, found), found


def _thresholds(quality, found, scope):
    """{layer: quality times the standard deviation of the weights that are not zero}."""
    alive = {w.layer: w.param.array[w.param.array != 0] for w in found}
    if scope == "global":
        alive = dict.fromkeys(alive, np.concatenate(list(alive.values())))
    spread = {layer: float(values.std(dtype=np.float64)) if values.size else 0.0 for layer, values in alive.items()}
    return {layer: (quality[layer] if isinstance(quality, dict) else quality) * s for layer, s in spread.items()}
