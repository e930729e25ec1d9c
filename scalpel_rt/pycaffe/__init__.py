"""pycaffe's face: ``import scalpel_rt.pycaffe as caffe`` runs scripts that only run nets.

What trains (solvers, ``Net.backward``) raises UnsupportedError that says where to go instead. Everything runs on the
CPU, whatever mode is set. Where pycaffe would abort the process, a :class:`~scalpel_rt.errors.ScalpelError` is raised.
"""

import logging
import sys
import time
import warnings

from .. import __version__
from ..layers import _pycaffe_layer
from ..layers import types as layer_type_list
from . import coord_map, draw, io, proto
from .classifier import Classifier
from .detector import Detector
from .net import TEST, TRAIN, Net, set_random_seed
from .net_spec import NetSpec, layers, params, to_proto
from .training import (
    NCCL,
    AdaDeltaSolver,
    AdaGradSolver,
    AdamSolver,
    NesterovSolver,
    RMSPropSolver,
    SGDSolver,
    get_solver,
)

__all__ = [
    "NCCL", "TEST", "TRAIN", "AdaDeltaSolver", "AdaGradSolver", "AdamSolver", "Classifier", "Detector", "Layer",
    "Net", "NesterovSolver", "NetSpec", "RMSPropSolver", "SGDSolver", "Timer", "__version__", "coord_map", "draw",
    "get_solver", "has_nccl", "init_log", "io", "layer_type_list", "layers", "log", "params", "proto", "set_device",
    "set_mode_cpu", "set_mode_gpu", "set_multiprocess", "set_random_seed", "set_solver_count", "set_solver_rank",
    "solver_count", "solver_rank", "to_proto",
]

Layer = _pycaffe_layer.PythonLayer
_pycaffe_layer.stand_in = sys.modules[__name__]     # what `import caffe` finds in the modules of Python layers

_logger = logging.getLogger("scalpel_rt")


def set_mode_cpu():
    """Run on the CPU, as everything here does."""


def set_mode_gpu():
    """Warns that nets run on the CPU all the same."""
    warnings.warn("scalpel_rt runs nets on the CPU: set_mode_gpu has no effect", RuntimeWarning, stacklevel=2)


def set_device(gpu_id):
    """Chooses nothing: there is no GPU to choose."""


def init_log(level=0, *_, **__):
    """Show the log on stderr, from Caffe's ``level`` on: 0 information, 1 warnings, 2 errors."""
    logging.basicConfig()
    _logger.setLevel({0: logging.INFO, 1: logging.WARNING}.get(level, logging.ERROR))


def log(message):
    """Write an information to the log."""
    _logger.info(message)


class Timer:
    """Measures the time from ``start`` to ``stop``: ``ms`` in milliseconds."""

    def __init__(self):
        self._start = self._stop = 0

    def start(self):
        self._start = time.perf_counter()

    def stop(self):
        self._stop = time.perf_counter()

    @property
    def ms(self):
        return 1000 * (self._stop - self._start)


def has_nccl():
    """False: nothing is trained on several GPUs here."""
    return False


def solver_count():
    """1, as in a process that trains nothing in parallel; so solver_rank is 0, and setting these does nothing."""
    return 1


def solver_rank():
    return 0


def set_solver_count(count):
    pass


def set_solver_rank(rank):
    pass


def set_multiprocess(multiprocess):
    pass
