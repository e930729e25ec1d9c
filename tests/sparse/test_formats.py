"""Dense to sparse and back is exact; parts that do not fit each other are refused."""

import numpy as np
import pytest
import scipy.sparse

from scalpel_rt.errors import FormatError, ShapeError
from scalpel_rt.sparse import Csr, Groups

SHAPES = [(0, 0), (0, 5), (5, 0), (1, 1), (3, 7), (8, 8), (9, 17), (16, 300), (33, 31), (5, 70_000)]


def random(shape, sparsity, seed=0):
    rng = np.random.default_rng(seed)
    return np.where(rng.random(shape) >= sparsity, rng.standard_normal(shape), 0).astype(np.float32)


@pytest.mark.parametrize("sparsity", [0, 0.5, 0.9, 1])
@pytest.mark.parametrize("shape", SHAPES)
class TestRoundTrip:
    def test_csr(self, shape, sparsity):
        w = random(shape, sparsity)
        csr = Csr.from_dense(w)
        assert (csr.dense() == w).all()
        assert len(csr.values) == np.count_nonzero(w)
        theirs = scipy.sparse.csr_matrix(w)
        assert (csr.ptr == theirs.indptr).all() and (csr.idx == theirs.indices).all()
        assert (csr.scipy() != theirs).nnz == 0

    @pytest.mark.parametrize("width", [1, 4, 8, 16])
    @pytest.mark.parametrize("axis", ["in", "out"])
    def test_groups(self, shape, sparsity, width, axis):
        w = random(shape, sparsity)
        groups = Groups.from_dense(w, width, axis)
        assert groups.dense().shape == w.shape and (groups.dense() == w).all()
        assert groups.values.any(axis=1).all(), "a group without a nonzero was kept"


@pytest.mark.parametrize("shape", [(9, 17), (31, 4, 3, 3)])
def test_from_form_to_form_and_back(shape):
    w = random(shape, 0.7)
    w[0, 0] = np.float32(1e-42)     # subnormal
    want = w.reshape(len(w), -1)
    csr = Csr.from_dense(w).dense()
    for axis, width in (("in", 8), ("out", 16), ("in", 4)):
        again = Groups.from_dense(csr, width, axis).dense()
        assert again.dtype == np.float32 and again.tobytes() == want.tobytes() == csr.tobytes()
        csr = Csr.from_dense(again).dense()


def test_one_nonzero_anywhere_keeps_its_group():
    for axis in ("in", "out"):
        for at in range(8):
            w = np.zeros((16, 16), np.float32)
            w[(3, 8 + at) if axis == "in" else (8 + at, 3)] = 2
            groups = Groups.from_dense(w, 8, axis)
            assert groups.idx.tolist() == [1 if axis == "in" else 3]
            assert groups.values.tolist() == [[2.0 if i == at else 0.0 for i in range(8)]]
            assert groups.rows().tolist() == [3 if axis == "in" else 1]


def test_negative_zero_is_a_zero_and_nan_is_not():
    w = np.array([[-0.0, -0.0, 0.0, np.nan]], np.float32)
    assert Csr.from_dense(w).idx.tolist() == [3]
    assert Groups.from_dense(w, 2, "in").idx.tolist() == [1]
    assert Groups.from_dense(w, 2, "out").idx.tolist() == [3]


def test_indices_are_as_narrow_as_the_shape_allows():
    for k, dtype in ((256, np.uint8), (257, np.uint16), (65536, np.uint16), (65537, np.uint32)):
        assert Csr.from_dense(np.ones((1, k))).idx.dtype == dtype
        assert Groups.from_dense(np.ones((1, k)), 4, "out").idx.dtype == dtype
    assert Groups.from_dense(np.ones((1, 2048)), 8, "in").idx.dtype == np.uint8
    assert Groups.from_dense(np.ones((1, 2049)), 8, "in").idx.dtype == np.uint16


def test_bytes_count_values_indices_and_pointers():
    w = random((100, 800), 0)
    assert Csr.from_dense(w).bytes == 80_000 * 4 + 80_000 * 2 + 101 * 4
    assert Groups.from_dense(w, 8, "in").bytes == 80_000 * 4 + 10_000 + 101 * 2


def test_a_convolution_is_seen_as_rows():
    w = random((6, 4, 3, 3), 0.5)
    assert (Csr.from_dense(w).dense() == w.reshape(6, 36)).all()
    assert (Groups.from_dense(w, 8, "in").dense() == w.reshape(6, 36)).all()
    with pytest.raises(ShapeError, match="two axes"):
        Csr.from_dense(np.ones(3))


def parts(**changes):
    """A good Groups(2 x 10, 4, "in") with some parts replaced."""
    good = dict(shape=(2, 10), width=4, axis="in", ptr=np.array([0, 1, 3], np.uint8), idx=np.array([0, 1, 2], np.uint8),
                values=np.array([[1, 0, 0, 0], [1, 1, 1, 1], [1, 1, 0, 0]], np.float32))
    return good | changes


@pytest.mark.parametrize("changes, words", [
    (dict(shape=(2, -1)), "two sizes"),
    (dict(shape=(2, 10, 1)), "two sizes"),
    (dict(shape=(3, 10)), "ptr has 3 elements, not 4"),
    (dict(shape=(2, 8)), "idx holds 2, but a row has 2"),
    (dict(shape=(2, 9)), "outside"),
    (dict(width=0), "1 to 256"),
    (dict(axis="up"), "in, out"),
    (dict(ptr=np.array([0, 4, 3], np.uint8)), "rise"),
    (dict(ptr=np.array([1, 1, 3], np.uint8)), "rise"),
    (dict(ptr=np.array([0, 1, 2], np.uint8)), "rise"),
    (dict(ptr=np.array([0, 2**64 - 1, 3], np.uint64)), "rise"),
    (dict(ptr=np.array([0, 1, 3], np.int64)), "unsigned"),
    (dict(idx=np.array([0, 2, 1], np.uint8)), "ascend"),
    (dict(idx=np.array([0, 1, 1], np.uint8)), "ascend"),
    (dict(idx=np.array([0, 1, 200], np.uint8)), "idx holds 200"),
    (dict(idx=np.array([[0, 1, 2]], np.uint8)), "unsigned"),
    (dict(values=np.zeros((3, 5), np.float32)), "values"),
    (dict(values=np.zeros((3, 4))), "values"),
])
def test_groups_that_do_not_fit_are_refused(changes, words):
    Groups(**parts())
    with pytest.raises((FormatError, ShapeError), match=words):
        Groups(**parts(**changes))


def test_groups_outside_of_the_rows_are_refused():
    values = np.ones((1, 4), np.float32)
    with pytest.raises(FormatError, match="outside"):
        Groups((3, 2), 4, "out", np.array([0, 1], np.uint8), np.array([1], np.uint8), values)
    values[0, 3] = 0
    Groups((3, 2), 4, "out", np.array([0, 1], np.uint8), np.array([1], np.uint8), values)


def test_csr_that_does_not_fit_is_refused():
    good = dict(shape=(2, 3), ptr=np.array([0, 2, 3], np.uint8), idx=np.array([0, 2, 1], np.uint8),
                values=np.ones(3, np.float32))
    Csr(**good)
    for bad, words in ((dict(shape=(2, 2)), "idx holds 2"), (dict(idx=np.array([2, 0, 1], np.uint8)), "ascend"),
                       (dict(values=np.ones(2, np.float32)), "values"),
                       (dict(ptr=np.array([], np.uint8)), "ptr has 0")):
        with pytest.raises((FormatError, ShapeError), match=words):
            Csr(**good | bad)
