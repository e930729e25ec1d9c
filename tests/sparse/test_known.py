"""What is known of weights stays with them, and is only kept where nobody can write to them."""

import weakref

import numpy as np
import pytest

from scalpel_rt.graph.ir import Param
from scalpel_rt.sparse import Csr, Groups, known, unpacked

from .test_formats import random


def locked(array):
    array.flags.writeable = False
    return array


def test_all_views_of_one_matrix_know_the_same():
    w = locked(random((6, 12), 0.5))
    known(w)["what"] = 7
    assert known(w[:]) is known(w.reshape(6, 4, 3).reshape(6, 12)) is known(w)
    assert known(w.reshape(12, 6)) == known(w[:3]) == known(w[3:]) == {}
    assert known(locked(w.copy())) == {}


def test_nothing_is_known_of_what_may_change():
    w = random((6, 12), 0.5)
    assert known(w) is None and known(locked(w[:])) is None
    assert known(locked(w).T) is None, "not the matrix as it lies there"


def test_it_goes_with_the_memory():
    w = locked(random((6, 12), 0.5))
    csr = Csr.from_dense(w)
    known(w)["form"], gone = csr, weakref.ref(csr)
    view = w.reshape(12, 6)
    del w, csr
    assert gone()
    del view
    assert gone() is None


@pytest.mark.parametrize("shape", [(8, 16), (9, 17)])
@pytest.mark.parametrize("form", ["csr", ("in", 8), ("out", 8)])
def test_unpacked(form, shape):
    w = random(shape, 0.7)
    stored = Csr.from_dense(w) if form == "csr" else Groups.from_dense(w, form[1], form[0])
    dense = unpacked(stored)
    assert dense.tobytes() == w.tobytes()
    assert known(dense) == {(1, form): [stored]} and known(dense.reshape(-1).reshape(shape)) is known(dense)
    with pytest.raises(ValueError, match="read-only"):
        dense[0] = 1


def test_a_parameter_that_is_written_to_keeps_its_own_shape():
    """One that shares the storage of another under another shape writes to that."""
    stored = np.arange(6, dtype=np.float32)
    stored.flags.writeable = False
    owner = Param(stored.reshape(2, 3))
    view = Param(owner=owner, shape=(6,))
    view.writable()[4] = 9
    assert view.writable().shape == (6,) and owner.array[1, 1] == 9 and stored[4] == 4
