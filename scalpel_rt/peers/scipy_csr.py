"""SciPy's compressed rows times dense columns: traditional pruning as most would try it. One thread, whatever is asked.
"""

import scipy.sparse

from . import _products


def missing():
    return None


def prepare(net, threads):
    return _products.prepare(net, threads, product)


def product(w):
    """See :func:`._products.prepare`."""
    rows = scipy.sparse.csr_matrix(w)

    def multiply(x, out):
        out[...] = rows @ x

    return multiply
