"""Fully connected layers by OpenBLAS, against float64."""

import numpy as np
import pytest

from . import dense, harness
from .openblas import openblas  # noqa: F401

TESTS = ("fc_blas",)
pytestmark = pytest.mark.usefixtures("openblas")


def check(kernel, rng, n, m, k, act=None, bias=True):
    op = dense.fc_op(rng, n, m, k, act, bias)
    x = rng.standard_normal((n, k), np.float32)
    got = dense.run(kernel, op, x)
    want, bound = dense.fc_reference(op, x)
    harness.assert_close(got, want, bound, f"{n}x{m}x{k}")


@pytest.mark.parametrize("n", [1, 2, 9])
@pytest.mark.parametrize("m, k", [(1, 1), (3, 1000), (127, 11), (128, 5), (129, 64), (257, 3), (300, 37)])
def test_sizes(kernel, rng, n, m, k):
    """Some versions of OpenBLAS multiply by beta = 0 what was in the outputs, and the harness puts NaN there."""
    check(kernel, rng, n, m, k)


@pytest.mark.parametrize("act", dense.ACTS, ids=dense.act_name)
@pytest.mark.parametrize("bias", [True, False])
def test_epilogues(kernel, rng, act, bias):
    for n in (1, 3):
        check(kernel, rng, n, 150, 23, act, bias)
