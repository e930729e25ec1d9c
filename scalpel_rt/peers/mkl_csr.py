"""MKL's compressed rows (inspector and executor), by ``libmkl_rt`` of the package ``mkl``: the paper's baseline."""

import ctypes
import functools
import sys
from pathlib import Path

import numpy as np
import scipy.sparse

from . import _products

ROW_MAJOR, PLAIN, GENERAL = 101, 10, 20
CALLS = 1000            # how often the optimizer is told that a product will be done


class Description(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("mode", ctypes.c_int), ("diag", ctypes.c_int)]


def missing():
    try:
        _library()
    except OSError as e:
        return f"mkl is not installed ({e})"
    return None


def prepare(net, threads):
    set_threads(threads)
    return _products.prepare(net, threads, Rows)


def set_threads(count):
    """From now on MKL uses so many threads in this process."""
    _library().MKL_Set_Num_Threads(count)


class Rows:
    """The product of one weight matrix; see :func:`._products.prepare`."""

    def __init__(self, w):
        mkl, csr = _library(), scipy.sparse.csr_matrix(w)
        # MKL keeps these pointers, so they must live as long as the handle.
        self._parts = csr.indptr.astype(np.int32), csr.indices.astype(np.int32), csr.data.astype(np.float32)
        start, columns, values = (part.ctypes.data for part in self._parts)
        self._handle = ctypes.c_void_p()
        self._about = Description(GENERAL, 0, 0)
        _check(mkl.mkl_sparse_s_create_csr(
            ctypes.byref(self._handle), 0, *w.shape, ctypes.c_void_p(start), ctypes.c_void_p(start + 4),
            ctypes.c_void_p(columns), ctypes.c_void_p(values)), "mkl_sparse_s_create_csr")
        self._columns = None

    def __call__(self, x, out):
        mkl, n = _library(), x.shape[1]
        if self._columns != n:
            self._columns = n
            if n == 1:
                mkl.mkl_sparse_set_mv_hint(self._handle, PLAIN, self._about, CALLS)
            else:
                mkl.mkl_sparse_set_mm_hint(self._handle, PLAIN, self._about, ROW_MAJOR, n, CALLS)
            mkl.mkl_sparse_optimize(self._handle)
        one, zero = ctypes.c_float(1), ctypes.c_float(0)
        a, b = ctypes.c_void_p(x.ctypes.data), ctypes.c_void_p(out.ctypes.data)
        if n == 1:
            _check(mkl.mkl_sparse_s_mv(PLAIN, one, self._handle, self._about, a, zero, b), "mkl_sparse_s_mv")
        else:
            _check(mkl.mkl_sparse_s_mm(PLAIN, one, self._handle, self._about, ROW_MAJOR, a, n, n, zero, b, n),
                   "mkl_sparse_s_mm")

    def __del__(self):
        if getattr(self, "_handle", None):
            _library().mkl_sparse_destroy(self._handle)


def _check(status, what):
    if status:
        raise RuntimeError(f"{what} gave status {status}")


@functools.cache
def _library():
    """libmkl_rt, from the Python environment (where pip puts it) or the system; OSError where there is none."""
    for name in ("libmkl_rt.so.3", "libmkl_rt.so.2", "libmkl_rt.so", "libmkl_rt.2.dylib", "mkl_rt.2.dll"):
        for path in (Path(sys.prefix) / "lib" / name, Path(sys.prefix) / "Library" / "bin" / name, name):
            try:
                return ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)
            except OSError:
                continue
    raise OSError("there is no libmkl_rt")
