"""Which units (weights, groups of weights) go: those of least importance, by threshold or until enough have gone."""

import math
import numbers

import numpy as np

from ..errors import OptionsError

SCOPES = ("layer", "global")


def one_way(**ways):
    """(name, value) of the only one of ``ways`` that is not None; OptionsError for none or several."""
    given = [(name, value) for name, value in ways.items() if value is not None]
    if len(given) != 1:
        raise OptionsError(f"give one of {', '.join(ways)}, not {' and '.join(n for n, _ in given) or 'none'}")
    return given[0]


def asked(layers, scope, **ways):
    """(way, value, layers) of what is asked for: the only one of ``ways`` that is given, and the layers to prune,
    which are those of ``value`` where it is {layer: number} and not one number for all.

    OptionsError for a number below 0, a sparsity not below 1, an unknown scope, or two options that exclude each
    other. What ``keep`` holds is not looked at.
    """
    if scope not in SCOPES:
        raise OptionsError(f"scope must be one of {', '.join(SCOPES)}, not {scope!r}")
    way, value = one_way(**ways)
    if way == "sparsity" and scope == "global" and isinstance(value, dict):
        raise OptionsError("a sparsity for each layer and scope='global' exclude each other")
    if way == "keep":
        if not isinstance(value, dict):
            raise OptionsError(f"keep must be {{layer: how many nodes stay, or which}}, not {value!r}")
        return way, value, list(value)
    return way, value, _per_layer(way, value, layers)


def _per_layer(way, value, layers):
    most = 1 if way == "sparsity" else math.inf
    if isinstance(value, dict):
        if layers is not None and set(layers) != set(value):
            raise OptionsError(f"{way} is given for {', '.join(map(str, value))}, layers for {', '.join(layers)}")
        layers = list(value)
    for layer, number in (value if isinstance(value, dict) else {None: value}).items():
        if not isinstance(number, numbers.Real) or isinstance(number, bool) or not 0 <= number < most:
            least = f"in [0, {most:g})" if most < math.inf else "a number of at least 0"
            raise OptionsError(f"{way} must be {least}, not {number!r}", layer=layer)
    return layers


def at_least(share, scores, sizes):
    """Bool array, True = kept: the units of least score go, until ``share`` of all weights has gone, or a little
    more.

    scores, sizes : (units,); a unit holds ``size`` weights. Of equal scores the first goes first; one unit always
    stays.
    """
    order = np.argsort(scores, kind="stable")
    gone = np.cumsum(sizes[order])
    want = math.ceil(round(share * float(gone[-1]), 6))     # 0.07 * 100 is a little more than 7
    count = int(np.searchsorted(gone, want)) + 1 if want else 0
    keep = np.ones(len(scores), bool)
    keep[order[:min(count, len(scores) - 1)]] = False
    return keep


def select(way, value, layers, scope):
    """Decide for several layers at once.

    Parameters
    ----------
    way : "threshold" or "sparsity"
    value : a number, or {layer: number}
    layers : {layer: (scores, sizes)}, arrays of one shape: the importance of each unit and how many weights it holds
    scope : "layer" or "global"
        A sparsity is reached by each layer, or by all of them together, where each keeps the most important of its
        units. A sparsity that leaves fewer units than layers is an error.

    Returns {layer: bool array of the scores' shape, True = kept}. OptionsError when nothing of a layer would be left.
    """
    number = (lambda layer: value[layer]) if isinstance(value, dict) else (lambda layer: value)
    if way == "threshold":
        kept = {layer: scores >= number(layer) for layer, (scores, _) in layers.items()}
    elif scope == "layer":
        kept = {layer: at_least(number(layer), scores.ravel(), sizes.ravel()).reshape(scores.shape)
                for layer, (scores, sizes) in layers.items()}
    else:
        flat = at_least(value, np.concatenate([_with_one_kept(scores) for scores, _ in layers.values()]),
                        np.concatenate([sizes.ravel() for _, sizes in layers.values()]))
        parts = np.split(flat, np.cumsum([scores.size for scores, _ in layers.values()])[:-1])
        kept = {layer: part.reshape(layers[layer][0].shape) for layer, part in zip(layers, parts, strict=True)}
    for layer, keep in kept.items():
        if not keep.any() and layers[layer][0].any():
            raise OptionsError(f"{way} {number(layer)} would remove every weight", layer=layer)
    return kept


def _with_one_kept(scores):
    """Flat scores, the greatest of which is made infinite, so that it stays."""
    flat = np.array(scores, np.float64).ravel()
    flat[np.argmax(flat)] = np.inf
    return flat
