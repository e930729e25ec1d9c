"""Slices hold every group once, fillers are zeros, and chunks take turns."""

import numpy as np
import pytest

from scalpel_rt.sparse import Groups
from scalpel_rt.sparse.slices import BAND, NO_ROW, ROWS, slices

from .test_formats import random


def unpacked(packs, shape, width):
    """The matrix that the slices say, read as scl_slices.h describes them."""
    bands, band, chunks = packs.head[:3].astype(int)
    lanes = packs.head[3 : 3 + bands * band * ROWS].reshape(bands, band, ROWS)
    starts = packs.head[3 + lanes.size :]
    assert len(starts) == bands * chunks * band + 1 and starts[-1] == len(packs.idx)
    out = np.zeros((shape[0], shape[1] + width), np.float32)
    for b, c, s in np.ndindex(bands, chunks, band):
        at = (b * chunks + c) * band + s
        for step in range(starts[at], starts[at + 1]):
            for lane, row in enumerate(lanes[b, s]):
                if row == NO_ROW:
                    assert not packs.values[step, lane].any()
                else:
                    first = packs.idx[step, lane]
                    assert first < shape[1]
                    out[row, first : first + width] += packs.values[step, lane]
    assert sorted(lanes[lanes != NO_ROW]) == list(range(shape[0]))
    return out[:, : shape[1]]


@pytest.mark.parametrize("shape", [(1, 8), (7, 40), (8, 40), (9, 40), (50, 100), (33, 6000), (ROWS * BAND + 1, 3200)])
@pytest.mark.parametrize("sparsity", [0, 0.8, 1])
def test_every_group_is_there_once(shape, sparsity):
    w = random(shape, sparsity)
    groups = Groups.from_dense(w, 4, "in")
    packs = slices(groups.ptr, groups.idx.astype(int) * 4, groups.values, shape[1])
    assert (unpacked(packs, shape, 4) == w).all()


def test_neighbours_are_of_like_length():
    w = random((512, 640), 0.9)
    w[::3] *= random((171, 640), 0.5, seed=1) != 0
    groups = Groups.from_dense(w, 8, "in")
    packs = slices(groups.ptr, groups.idx.astype(int) * 8, groups.values, 640)
    assert packs.idx.size < 1.05 * len(groups.idx) + 8 * 10


def test_a_chunk_meets_a_part_of_the_input():
    w = random((ROWS * BAND, 10240), 0.9)
    groups = Groups.from_dense(w, 1, "in")
    packs = slices(groups.ptr, groups.idx, groups.values, 10240)
    bands, band, chunks = packs.head[:3].astype(int)
    assert (bands, band, chunks) == (1, 16, 5)
    starts = packs.head[3 + ROWS * BAND :]
    for c in range(chunks):
        met = packs.idx[starts[c * band] : starts[(c + 1) * band]]
        assert np.ptp(np.percentile(met, [2, 98])) < 4096
