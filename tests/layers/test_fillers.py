"""Fillers: the distributions that Caffe's names stand for."""

import numpy as np
import pytest

from scalpel_rt.caffe import messages, parse_prototxt
from scalpel_rt.errors import GraphError, ShapeError
from scalpel_rt.layers._fillers import check_filler, fill


def filler(text):
    return parse_prototxt(text, message="FillerParameter")


def filled(text, shape, seed=0):
    made = fill(filler(text), shape, seed)
    assert made.shape == shape and made.dtype == np.float32
    return made.astype(np.float64)


def test_constant_is_the_default():
    assert (fill(None, (2, 3), 0) == 0).all()
    assert (filled("", (2,)) == 0).all()
    assert (filled('type: "constant" value: 1.5', ()) == 1.5).all()


def test_uniform():
    v = filled('type: "uniform" min: -2 max: 4', (100, 100))
    assert v.min() >= -2 and v.max() <= 4 and abs(v.mean() - 1) < 0.1 and abs(v.std() - 6 / 12**0.5) < 0.05


def test_gaussian():
    v = filled('type: "gaussian" mean: 3 std: 0.5', (100, 100))
    assert abs(v.mean() - 3) < 0.02 and abs(v.std() - 0.5) < 0.02


def test_gaussian_sparse_leaves_so_many_to_an_output():
    v = filled('type: "gaussian" sparse: 10', (100, 400))
    assert 0.08 < (v != 0).mean() < 0.12


@pytest.mark.parametrize("norm, n", [("FAN_IN", 500), ("FAN_OUT", 1000), ("AVERAGE", 750)])
def test_xavier_and_msra(norm, n):
    shape = (40, 20, 5, 5)      # 500 into each of 40 outputs, 1000 out of each of 20 inputs
    v = filled(f'type: "xavier" variance_norm: {norm}', shape)
    assert abs(np.abs(v).max() - (3 / n)**0.5) < 0.01 * (3 / n)**0.5 and abs(v.mean()) < 1e-2 / n**0.5
    v = filled(f'type: "msra" variance_norm: {norm}', shape)
    assert abs(v.std() - (2 / n)**0.5) < 0.02 * (2 / n)**0.5


def test_positive_unitball():
    v = filled('type: "positive_unitball"', (7, 3, 5))
    assert (v >= 0).all()
    np.testing.assert_allclose(v.sum(axis=(1, 2)), 1, rtol=1e-6)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_bilinear(size):
    """Caffe's formula, element by element."""
    v = filled('type: "bilinear"', (2, 3, size, size))
    f = -(-size // 2)
    c = (size - 1) / (2 * f)
    for y in range(size):
        for x in range(size):
            assert np.allclose(v[:, :, y, x], (1 - abs(x / f - c)) * (1 - abs(y / f - c)), atol=1e-6)


def test_the_same_seed_gives_the_same_numbers():
    a, b, c = (filled('type: "gaussian"', (5, 5), seed) for seed in ((1, 2), (1, 2), (1, 3)))
    assert (a == b).all() and (a != c).any()


@pytest.mark.parametrize("text, shape, error, named", [
    ('type: "glorot"', (2,), GraphError, "'glorot'.*xavier"),
    ('type: "xavier" sparse: 3', (2,), GraphError, "xavier.*3"),
    ('type: "bilinear"', (2, 2), ShapeError, r"\(2, 2\)"), ('type: "bilinear"', (1, 1, 2, 3), ShapeError, r"2, 3\)"),
    ('type: "gaussian" sparse: 1', (), ShapeError, r"\(\)")])
def test_what_cannot_be_filled(text, shape, error, named):
    with pytest.raises(error, match=named):
        check_filler(filler(text), shape)


def test_empty_parameters():
    for kind in ("constant", "uniform", "gaussian", "xavier", "msra", "positive_unitball"):
        assert filled(f'type: "{kind}"', (0, 3)).size == 0


def test_the_default_type_is_known():
    assert messages().FillerParameter().type == "constant"
