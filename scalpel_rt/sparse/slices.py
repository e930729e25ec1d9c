"""Slices: groups rearranged so that a kernel reads eight rows in lockstep from one stream.

A matrix-vector product is bound by memory, so what counts is that the weights arrive in one steady stream and that no
branch depends on the length of a row. Rows are sorted by their number of groups and eight neighbours make a slice;
step s of a slice holds the s-th group of each of its rows, shorter rows being filled up with zeros. Where the input is
too large for the first cache, the slices of a band take turns, a chunk of steps each: columns ascend within a row, so
that a chunk meets only a part of the input, which then stays cached for the whole band.

Source: SELL-C-sigma of Kreutzer et al., "A unified sparse matrix data format for efficient general sparse
matrix-vector multiplication on modern processors with wide SIMD units" (2014), here of groups, with C = 8 and
sigma = all rows; the bands are ours.
"""

from dataclasses import dataclass

import numpy as np

ROWS = 8  # of a slice
BAND = 16  # slices that take turns
CHUNK = 2048  # inputs that a chunk of steps is meant to meet: a quarter of a first cache of 32 KiB
NO_ROW = 0xFFFFFFFF


@dataclass(frozen=True, eq=False)
class Slices:
    """What the kernels read; see src_c/include/scl_slices.h.

    head : uint32 [bands, slices of a band, chunks of a slice], then the row of each lane of each slice (NO_ROW: none),
        then the step at which each (band, chunk, slice) starts, and the end.
    idx : uint16 (steps, ROWS); the first column of each group.
    values : float32 (steps, ROWS, width).
    """

    head: np.ndarray
    idx: np.ndarray
    values: np.ndarray


def slices(ptr, idx, values, columns):
    """Slices of rows of groups.

    ptr (rows + 1,), idx (groups,): the groups of row r and their first columns, ascending, below 65536.
    values : (groups, width) float32.
    columns : inputs of the matrix.
    """
    rows, width = len(ptr) - 1, values.shape[1]
    counts = np.diff(ptr.astype(np.int64))
    order = np.argsort(-counts, kind="stable")
    chunks = -(-columns // CHUNK) if columns > CHUNK + CHUNK // 2 else 1
    band = BAND if chunks > 1 else 1
    bands = -(-rows // (ROWS * band))
    lanes = np.full(bands * band * ROWS, NO_ROW, np.uint32)
    lanes[:rows] = order

    steps = np.zeros(bands * band * ROWS, np.int64)
    steps[:rows] = counts[order]
    steps = steps.reshape(bands, band, ROWS)[:, :, 0]  # the longest row of each slice
    chunk = np.maximum(-(-steps[:, :1] // chunks), 1)  # steps of a chunk, one number for a band
    parts = np.clip(steps[:, None, :] - np.arange(chunks)[:, None] * chunk[:, None], 0, chunk[:, None])
    starts = np.zeros(parts.size + 1, np.int64)
    np.cumsum(parts.ravel(), out=starts[1:])
    total = int(starts[-1])

    # where each group goes
    place = np.empty(rows, np.int64)
    place[order] = np.arange(rows)
    row = np.repeat(np.arange(rows), counts)
    step = np.arange(len(idx)) - np.repeat(ptr[:-1].astype(np.int64), counts)
    at = place[row] // ROWS
    b, s = at // band, at % band
    c = step // chunk[b, 0]
    to = (starts[(b * chunks + c) * band + s] + step - c * chunk[b, 0]) * ROWS + place[row] % ROWS

    # fillers repeat the last column of their row, so that they meet only what the row meets anyway
    last = np.zeros(len(lanes), np.uint16)
    filled = order[counts[order] > 0]
    last[: len(filled)] = idx[ptr[1:].astype(np.int64)[filled] - 1]
    lane_sets = last.reshape(bands, 1, band, ROWS).repeat(chunks, axis=1).reshape(-1, ROWS)
    new_idx = np.repeat(lane_sets, parts.ravel(), axis=0)
    new_idx.reshape(-1)[to] = idx
    new_values = np.zeros((total * ROWS, width), np.float32)
    new_values[to] = values
    head = np.concatenate([np.array([bands, band, chunks], np.uint32), lanes, starts.astype(np.uint32)])
    return Slices(head, new_idx, new_values.reshape(total, ROWS, width))
