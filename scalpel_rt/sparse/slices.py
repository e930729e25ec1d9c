"""Slices: groups rearranged so that a kernel reads eight rows in lockstep from one stream.

A matrix-vector product is bound by memory, so what counts is that the weights arrive in one steady stream and that no
branch depends on the length of a row. Rows are sorted by their number of groups, a window of rows at a time, so that
the outputs of a slice are not far from each other, and eight neighbours make a slice; step s of a slice holds the s-th
group of each of its rows, shorter rows being filled up with zeros. Where the input is
too large for the first cache, the columns are cut into chunks, and the slices of a band take turns, a chunk each: that
part of the input stays cached for the whole band. In every chunk the rows of the band are sorted anew, so that few
fillers are needed though a row has more groups in one chunk than in another.

Source: SELL-C-sigma of Kreutzer et al., "A unified sparse matrix data format for efficient general sparse
matrix-vector multiplication on modern processors with wide SIMD units" (2014), here of groups, with C = 8 and
sigma = 256; the bands are ours.
"""

from dataclasses import dataclass

import numpy as np

ROWS = 8  # of a slice
WINDOW = 256  # rows that are sorted together
BAND = 16  # slices that take turns
CHUNK = 2048  # columns of a chunk: a quarter of a first cache of 32 KiB
LEAST = 16  # groups that a row should have in a chunk, that its sum is worth keeping between them
NO_ROW = 0xFFFFFFFF


@dataclass(frozen=True, eq=False)
class Slices:
    """What the kernels read; see src_c/include/scl_slices.h.

    head : uint32 [bands, slices of a band, chunks, base], then the row of each place (8 in a slice; NO_ROW: none), then
        the step at which each (band, chunk, slice) starts, and the end, then, with several chunks, the place in
        its band of each lane of each (band, chunk, slice), one beyond the last for a lane whose sum is nobody's.
    idx : uint16 (steps, ROWS); the first column of each group, less base times the number of the chunk.
    values : float32 (steps, ROWS, width).
    """

    head: np.ndarray
    idx: np.ndarray
    values: np.ndarray

    @property
    def rows(self):
        """The row of each place, NO_ROW where there is none."""
        return self.head[4 : 4 + self.head[0] * self.head[1] * ROWS]


def slices(ptr, idx, values, columns):
    """Slices of rows of groups.

    ptr (rows + 1,), idx (groups,): the groups of row r and their first columns, ascending.
    values : (groups, width) float32.
    columns : inputs of the matrix.
    """
    rows, width = len(ptr) - 1, values.shape[1]
    counts = np.diff(ptr.astype(np.int64))
    idx = idx.astype(np.int64)
    chunks, size = cut(columns, len(idx) / max(rows, 1))
    base = size if columns > 1 << 16 else 0
    band = BAND if chunks > 1 else 1
    bands = -(-rows // (ROWS * band))
    order = np.lexsort((-counts, np.arange(rows) // WINDOW))
    places = np.full(bands * band * ROWS, NO_ROW, np.uint32)
    places[:rows] = order
    place = np.empty(rows, np.int64)
    place[order] = np.arange(rows)

    row = np.repeat(np.arange(rows), counts)
    chunk = idx // size
    b, at = np.divmod(place[row], band * ROWS)
    in_chunk = np.zeros((bands, chunks, band * ROWS), np.int64)  # groups of each row
    np.add.at(in_chunk, (b, chunk, at), 1)
    in_lanes = np.argsort(-in_chunk, axis=2, kind="stable")  # the place of each lane
    lane = np.argsort(in_lanes, axis=2)[b, chunk, at]
    filled = np.take_along_axis(in_chunk, in_lanes, 2).reshape(bands, chunks, band, ROWS)
    starts = np.zeros(bands * chunks * band + 1, np.int64)
    np.cumsum(filled[..., 0].ravel(), out=starts[1:])  # the longest row of each slice comes first
    total = int(starts[-1])

    # where each group goes: groups of a row in a chunk follow each other
    first = np.flatnonzero(np.diff(row * chunks + chunk, prepend=-1))
    length = np.diff(first, append=len(idx))
    step = np.arange(len(idx)) - np.repeat(first, length)
    to = (starts[(b * chunks + chunk) * band + lane // ROWS] + step) * ROWS + lane % ROWS

    # fillers repeat the last column of their row, so that they meet only what the row meets anyway
    last = np.zeros(in_chunk.shape, np.int64)
    end = first + length - 1
    last[b[end], chunk[end], at[end]] = idx[end] - chunk[end] * base
    last = np.take_along_axis(last, in_lanes, 2).reshape(filled.shape)
    last = np.where(filled > 0, last, last[..., :1])
    new_idx = np.repeat(last.reshape(-1, ROWS).astype(np.uint16), np.diff(starts), axis=0)
    new_idx.reshape(-1)[to] = idx - chunk * base
    new_values = np.zeros((total * ROWS, width), np.float32)
    new_values[to] = values
    parts = [[bands, band, chunks, base], places, starts]
    if chunks > 1:
        parts.append(np.where(filled > 0, in_lanes.reshape(filled.shape), band * ROWS).ravel())
    head = np.concatenate([np.asarray(part).astype(np.uint32) for part in parts])
    return Slices(head, new_idx, new_values.reshape(total, ROWS, width))


def cut(columns, groups):
    """(number of chunks, columns of each) for rows of ``groups`` groups on average."""
    chunks = 1
    if columns > 2 * CHUNK + CHUNK // 2:
        chunks = max(1, min(-(-columns // CHUNK), int(groups) // LEAST))
    chunks = max(chunks, -(-columns // (1 << 16)))
    return chunks, -(-columns // chunks)
