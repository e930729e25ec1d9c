"""Other engines on the same nets, one file each.

A peer's module has ``missing()``, a reason or None, and ``prepare(net, threads)``, which returns a function from the
input array to the output array. A prepared peer is warm: packed, planned, its threads set. None is a dependency.
"""

import importlib

NAMES = ("opencv", "onnxruntime", "openvino", "ncnn", "mnn", "torch")


def find(name):
    """The module of a peer."""
    return importlib.import_module(f"{__name__}.{name}")


def lacks(package):
    """Why a package cannot be used, or None."""
    try:
        importlib.import_module(package)
    except ImportError as e:
        return f"{package} is not installed ({e})"
    return None
