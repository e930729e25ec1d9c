"""Other engines on the same nets, one file each, and other libraries' matrix products in place of our kernels.

A peer's module has ``missing()``, a reason or None, and ``prepare(net, threads)``, which returns a function from the
input array to the output array. A prepared peer is warm: packed, planned, its threads set. It may have an attribute
``seconds``, what the last run took where it knows better than the caller (a peer in a process of its own), and a method
``layers(x)``, which runs once and gives {layer: seconds}. None of them is a dependency.
"""

import importlib

from ..errors import OptionsError

#: engines that run a whole net as they like
ENGINES = ("opencv", "onnxruntime", "openvino", "ncnn", "mnn", "torch", "deepsparse")

#: libraries that do a net's matrix products, one layer after the other, while all else is ours
PRODUCTS = ("scipy_csr", "mkl_csr", "blas")

NAMES = (*ENGINES, *PRODUCTS)

#: those that skip zeros, so that a pruned net is worth giving to them
SPARSE = ("deepsparse", "scipy_csr", "mkl_csr")


def find(name):
    """The module of a peer; OptionsError for a name that is none."""
    if name not in NAMES:
        raise OptionsError(f"there is no peer {name!r}; there are {', '.join(NAMES)}")
    return importlib.import_module(f"{__name__}.{name}")


def lacks(package):
    """Why a package cannot be used, or None."""
    try:
        importlib.import_module(package)
    except (ImportError, OSError) as e:
        return f"{package} is not installed ({e})"
    return None
