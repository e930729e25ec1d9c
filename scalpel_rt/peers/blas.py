"""NumPy's BLAS on dense matrices, what Caffe does: OpenBLAS in most installations."""

import numpy as np

from . import _products, lacks


def missing():
    return lacks("threadpoolctl")


def prepare(net, threads):
    from threadpoolctl import threadpool_limits

    prepared = _products.prepare(net, threads, product)
    prepared.limits = threadpool_limits(threads, user_api="blas")     # holds until it is told otherwise
    return prepared


def product(w):
    """See :func:`._products.prepare`."""
    return lambda x, out: np.matmul(w, x, out=out)
