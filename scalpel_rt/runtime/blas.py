"""OpenBLAS, as it comes with SciPy, as one more candidate for what has dense weights.

It has one count of threads for the whole process, which is not ours to change and which a plan's own count must not
meet: two times two threads on two cores. So it is a candidate where it works on one, and where that was asked for: with
``OPENBLAS_NUM_THREADS=1`` in the environment. Who changes its count later changes what a plan measured.
"""

import ctypes
import functools
import os

from . import _kernels

VARIABLE = "OPENBLAS_NUM_THREADS"


@functools.cache
def why_not():
    """None where kernels may call it, which are then able to; else why not (a short phrase)."""
    if os.environ.get(VARIABLE) != "1":
        return f"OpenBLAS has threads of its own: {VARIABLE} is not 1"
    try:
        from scipy.linalg import cython_blas
        threads = ctypes.CDLL(cython_blas.__file__).scipy_openblas_get_num_threads()
    except (ImportError, OSError, AttributeError):
        return "SciPy's BLAS is not an OpenBLAS of its own"
    if threads != 1:
        return f"OpenBLAS was loaded before {VARIABLE} was set, and has {threads} threads of its own"
    use(cython_blas)
    return None


def use(cython_blas):
    """Let kernels call the functions of a ``scipy.linalg.cython_blas``."""
    _kernels.use_blas(*(cython_blas.__pyx_capi__[name] for name in ("sgemm", "sgemv")))
