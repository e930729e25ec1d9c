"""What pycaffe has for training, and this has not: each name says where to go instead."""

from ..errors import UnsupportedError


def no_training(name):
    """A function that raises UnsupportedError, whatever it is called with."""
    def refuse(*args, **kwargs):
        raise UnsupportedError(f"{name} belongs to training, which this pycaffe does not do: use scalpel_rt.train, "
                               "which trains the same nets in PyTorch and saves caffemodels")
    refuse.__name__ = refuse.__qualname__ = name.rsplit(".", 1)[-1]
    refuse.__doc__ = "Not here: raises UnsupportedError that names scalpel_rt.train."
    return refuse


_NAMES = "SGDSolver NesterovSolver AdaGradSolver RMSPropSolver AdaDeltaSolver AdamSolver get_solver NCCL"
SGDSolver, NesterovSolver, AdaGradSolver, RMSPropSolver, AdaDeltaSolver, AdamSolver, get_solver, NCCL = map(
    no_training, _NAMES.split())
