"""A multiplication and an addition for each channel after a convolution or a matrix product go into its weights."""

import numpy as np

from ._pairs import channels_agree, fuse_pairs


def fold_affine(program):
    """affine(conv(x)) becomes a conv with other weights: each output channel's times scale, its bias*scale + shift.

    Products are made in float64 and rounded once. Left alone where a number is not finite or would overflow, and
    where something is added or activated in between.
    """
    return fuse_pairs(program, _fold)


def _fold(producer, affine):
    if producer.kind not in ("conv", "deconv", "fc") or affine.kind != "affine":
        return None
    if producer.attrs.get("act") or len(producer.inputs) > 1:
        return None
    if not channels_agree(producer.outputs[0], affine.inputs[0]):
        return None
    m = producer.outputs[0].shape[1]
    found = affine.weights.get("scale"), affine.weights.get("shift"), producer.weights.get("b")
    scale, shift, bias = (None if array is None else array.astype(np.float64) for array in found)
    weights = dict(producer.weights)
    with np.errstate(over="ignore", invalid="ignore"):
        if scale is not None:
            weights["w"] = _scaled(producer, scale)
        if shift is not None or bias is not None:
            moved = np.zeros(m) if bias is None else bias if scale is None else bias * scale
            weights["b"] = (moved if shift is None else moved + shift).astype(np.float32)
    changed = [weights[name] for name in ("w", "b") if weights.get(name) is not producer.weights.get(name)]
    if not all(np.isfinite(array).all() for array in changed):
        return None
    attrs = dict(producer.attrs)
    if affine.attrs.get("act"):
        attrs["act"] = affine.attrs["act"]
        if "slope" in affine.weights:
            weights["slope"] = affine.weights["slope"]
    return producer.with_(weights=weights, attrs=attrs)


def _scaled(op, scale):
    """The weights times the scale of their output channel, made a few rows at a time to bound the float64 copies."""
    w = op.weights["w"]
    if op.kind == "deconv":  # (C, M/group, kh, kw): each group's C/group rows make its own M/group outputs
        group = op.attrs["group"]
        rows = np.repeat(scale.reshape(group, 1, -1), w.shape[0] // group, axis=1).reshape(w.shape[:2])
    else:
        rows = scale[:, None]
    rows = rows.reshape(rows.shape + (1,) * (w.ndim - 2))
    out = np.empty(w.shape, np.float32)
    block = max(1, (1 << 20) // max(1, w[0].size))
    for i in range(0, len(w), block):
        out[i : i + block] = w[i : i + block].astype(np.float64) * rows[i : i + block]
    return out
