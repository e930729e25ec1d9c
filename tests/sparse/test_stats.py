"""Counts of zeros, judged by the formats that keep what is counted."""

import numpy as np
import pytest

from scalpel_rt.sparse import Groups, stats

from .test_formats import SHAPES, random


@pytest.mark.parametrize("shape", SHAPES)
def test_occupancy_is_what_the_groups_keep(shape):
    w = random(shape, 0.9)
    found = stats(w)
    assert found.nonzeros == np.count_nonzero(w)
    for (axis, width), kept in found.kept.items():
        assert kept == len(Groups.from_dense(w, width, axis).idx)
    assert stats(np.zeros(shape)).sparsity == (1 if w.size else 0)


def test_shares():
    w = np.zeros((16, 32), np.float32)
    w[0, :8] = 1
    found = stats(w)
    assert found.sparsity == 1 - 8 / 512
    assert found.occupancy("in", 8) == 1 / 64 and found.occupancy("in", 4) == 2 / 128
    assert found.occupancy("out", 8) == 8 / 64 and found.occupancy("out", 16) == 8 / 32
    assert stats(np.zeros((0, 3))).occupancy("out", 4) == 0


def test_groups_start_anew_in_each_part_of_a_convolution():
    w = random((12, 5, 3, 3), 0.8)
    parts = [len(Groups.from_dense(part, 4, "out").idx) for part in np.split(w, 2)]
    assert stats(w, group=2).kept["out", 4] == sum(parts)
    assert stats(w, group=2).groups["out", 4] == 2 * 2 * 45
