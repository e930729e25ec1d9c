"""BatchNorm, Scale and Bias in a row are one multiplication and one addition for each channel."""

import numpy as np

from ._pairs import fuse_pairs


def merge_affine(program):
    """affine(affine(x)) becomes one affine, its numbers combined in float64; the first must have no activation."""
    return fuse_pairs(program, _merge)


def _merge(first, second):
    if first.kind != "affine" or second.kind != "affine" or first.attrs.get("act"):
        return None
    if first.outputs[0].shape != second.inputs[0].shape:
        return None
    weights = combined(first.weights, second.weights)
    if weights is None:
        return None
    if "slope" in second.weights:
        weights["slope"] = second.weights["slope"]
    return first.with_(weights=weights, attrs=second.attrs)


def combined(first, second):
    """The weights of both (x -> scale*x + shift, either may be missing) as one, float32; None where they overflow."""
    a, b = _f64(first.get("scale")), _f64(first.get("shift"))
    c, d = _f64(second.get("scale")), _f64(second.get("shift"))
    weights = {}
    with np.errstate(over="ignore", invalid="ignore"):
        if a is not None or c is not None:
            weights["scale"] = a if c is None else c if a is None else a * c
        if b is not None or d is not None:
            moved = b if c is None or b is None else b * c
            weights["shift"] = moved if d is None else d if moved is None else moved + d
        weights = {name: value.astype(np.float32) for name, value in weights.items()}
    return weights if all(np.isfinite(value).all() for value in weights.values()) else None


def _f64(array):
    return None if array is None else array.astype(np.float64)
