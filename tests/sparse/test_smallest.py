"""The smallest form of a matrix: sizes as the formats have them, values as they were."""

import numpy as np
import pytest

from scalpel_rt.sparse import Csr, Groups, sizes, smallest

from .test_formats import SHAPES, random


@pytest.mark.parametrize("sparsity", [0, 0.5, 0.9, 1])
@pytest.mark.parametrize("shape", SHAPES)
def test_sizes_are_those_of_the_formats(shape, sparsity):
    w = random(shape, sparsity)
    found = sizes(w)
    assert found["dense"] == w.nbytes and found["csr"] == Csr.from_dense(w).bytes
    for form, size in found.items():
        if isinstance(form, tuple):
            assert size == Groups.from_dense(w, form[1], form[0]).bytes, form
    best = smallest(w)
    assert (best.nbytes if isinstance(best, np.ndarray) else best.bytes) == min(found.values())
    assert ((best if isinstance(best, np.ndarray) else best.dense()) == w).all()


def test_each_form_wins_somewhere():
    rng = np.random.default_rng(0)
    grouped = np.repeat(rng.random((64, 32)) < 0.2, 8, axis=1)
    w = rng.standard_normal((64, 256)).astype(np.float32)
    assert smallest(w) is w
    assert isinstance(smallest(np.where(rng.random(w.shape) < 0.1, w, 0)), Csr)
    for turned in (False, True):
        best = smallest(np.where(grouped, w, 0).T if turned else np.where(grouped, w, 0))
        assert (best.width, best.axis) == (8, "out" if turned else "in")


def test_vectors_stay():
    assert smallest(np.zeros(5)).tolist() == [0] * 5
    assert smallest(np.zeros((0, 4))).shape == (0, 4)
