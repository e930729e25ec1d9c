"""Slices hold every group once, fillers are zeros, and chunks take turns."""

import numpy as np
import pytest

from scalpel_rt.sparse import Groups
from scalpel_rt.sparse.slices import BAND, NO_ROW, ROWS, slices

from .test_formats import random


def unpacked(packs, shape, width):
    """The matrix that the slices say, read as scl_slices.h describes them."""
    bands, band, chunks, base = packs.head[:4].astype(int)
    rows = packs.rows.reshape(bands, band * ROWS)
    starts = packs.head[4 + rows.size :][: bands * chunks * band + 1]
    lanes = packs.head[4 + rows.size + len(starts) :].reshape(bands, chunks, band, ROWS) if chunks > 1 else None
    assert len(starts) == bands * chunks * band + 1 and starts[-1] == len(packs.idx)
    out = np.zeros((shape[0], shape[1] + width), np.float32)
    for b, c, s in np.ndindex(bands, chunks, band):
        at = (b * chunks + c) * band + s
        for step in range(starts[at], starts[at + 1]):
            for lane in range(ROWS):
                place = lanes[b, c, s, lane] if chunks > 1 else lane
                row = NO_ROW if place == band * ROWS else rows[b, place]
                first = int(packs.idx[step, lane]) + base * c
                assert first < shape[1]
                if row == NO_ROW:
                    assert not packs.values[step, lane].any()
                else:
                    out[row, first : first + width] += packs.values[step, lane]
    assert sorted(rows[rows != NO_ROW]) == list(range(shape[0]))
    return out[:, : shape[1]]


@pytest.mark.parametrize("shape", [(1, 8), (7, 40), (8, 40), (9, 40), (50, 100), (33, 6000), (ROWS * BAND + 1, 5200)])
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
    bands, band, chunks, base = packs.head[:4].astype(int)
    assert (bands, band, chunks, base) == (1, BAND, 5, 0)
    assert packs.idx.size < 1.03 * len(groups.idx)
    starts = packs.head[4 + ROWS * BAND :]
    for c in range(chunks):
        met = packs.idx[starts[c * band] : starts[(c + 1) * band]]
        assert 2048 * c <= met.min() and met.max() < 2048 * (c + 1)


def test_columns_beyond_16_bits():
    w = np.zeros((20, 140_000), np.float32)
    w[3, [0, 65_535, 65_536, 139_999]] = 1, 2, 3, 4
    w[19, 131_072] = 5
    groups = Groups.from_dense(w, 1, "in")
    packs = slices(groups.ptr, groups.idx, groups.values, 140_000)
    assert packs.head[2] == 3 and packs.head[3] > 0
    assert (unpacked(packs, w.shape, 1) == w).all()
