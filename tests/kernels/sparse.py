"""Pruned weights for the tests of sparse kernels."""

import numpy as np


def prune(rng, weights, sparsity, kernel, group=1):
    """``weights`` with about ``sparsity`` zeros, in the groups that ``kernel`` skips; the first axis counts outputs.

    ``group`` is that of a convolution.
    """
    m, k = len(weights), weights[0].size
    w = weights.reshape(group, m // group, k)
    width = kernel.group
    tall, wide = (width, 1) if kernel.form.endswith("group_out") else (1, width)
    blocks = rng.random((group, -(-(m // group) // tall), -(-k // wide))) >= sparsity
    keep = blocks.repeat(tall, axis=1)[:, : m // group].repeat(wide, axis=2)[:, :, :k]
    return np.where(keep, w, 0).astype(np.float32).reshape(weights.shape)
