"""OpenBLAS on one thread, as plans want it, for the tests of the kernels that call it."""

import ctypes

import pytest
from scipy.linalg import cython_blas

from scalpel_rt.runtime import blas


@pytest.fixture
def openblas(monkeypatch):
    library = ctypes.CDLL(cython_blas.__file__)
    if not hasattr(library, "scipy_openblas_get_num_threads"):
        pytest.skip("SciPy's BLAS is not an OpenBLAS of its own")
    before = library.scipy_openblas_get_num_threads()
    library.scipy_openblas_set_num_threads(1)
    blas.use(cython_blas)
    monkeypatch.setattr(blas, "why_not", lambda: None)
    yield
    library.scipy_openblas_set_num_threads(before)
