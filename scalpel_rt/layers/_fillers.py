"""How parameters start where no weights are loaded: Caffe's fillers.

Random numbers are NumPy's, seeded per parameter: the same net filled with the same seed is the same, whatever order
the parameters are first used in. They are not the numbers that Caffe would draw.
"""

import numpy as np

from ..errors import GraphError, ShapeError
from ._base import count


def check_filler(filler, shape):
    """Whatever is wrong with a filler (see :func:`fill`) for a parameter of ``shape``; costs nothing."""
    if filler is None or isinstance(filler, np.ndarray):
        return
    if filler.type not in FILLERS:
        raise GraphError(f"unknown filler type {filler.type!r}; there are {', '.join(sorted(FILLERS))}")
    for name in ("value", "min", "max", "mean", "std"):
        if not np.isfinite(value := getattr(filler, name)):
            raise GraphError(f"the {filler.type} filler has {name} = {value}, which is no number to start from")
    if filler.sparse != -1 and filler.type != "gaussian":
        raise GraphError(f"the {filler.type} filler knows no `sparse` (it is {filler.sparse}); gaussian does")
    if filler.type == "gaussian" and filler.sparse >= 0 and not shape:
        raise ShapeError("a sparse gaussian filler needs a parameter of at least 1 axis, not shape ()")
    if filler.type == "bilinear" and (len(shape) != 4 or shape[2] != shape[3]):
        raise ShapeError(f"the bilinear filler needs a parameter of 4 axes and square kernels, not shape {shape}")


def fill(filler, shape, seed):
    """A new float32 array of ``shape``: as a FillerParameter says, or the values of an array, or zeros (None).

    ``seed`` is an int or a tuple of ints, for those that are random.
    """
    if isinstance(filler, np.ndarray):
        return np.array(filler, np.float32).reshape(shape)
    if filler is None or filler.type == "constant":
        return np.full(shape, 0 if filler is None else filler.value, np.float32)
    return np.asarray(FILLERS[filler.type](filler, shape, np.random.default_rng(seed)), np.float32)


def _fan(filler, shape):
    """The count that xavier and msra divide by: of inputs, of outputs, or the mean of both (variance_norm)."""
    fan_in = count(shape) / shape[0] if shape and shape[0] else count(shape)
    fan_out = count(shape) / shape[1] if len(shape) > 1 and shape[1] else count(shape)
    n = {filler.FAN_IN: fan_in, filler.FAN_OUT: fan_out}.get(filler.variance_norm, (fan_in + fan_out) / 2)
    return max(n, 1)


def _uniform(filler, shape, rng):
    return rng.uniform(filler.min, filler.max, shape)


def _gaussian(filler, shape, rng):
    values = rng.standard_normal(shape, np.float32) * np.float32(filler.std) + np.float32(filler.mean)
    if filler.sparse >= 0:  # so many weights that are not zero, on average, for each output
        values = values * (rng.random(shape) < filler.sparse / max(shape[0], 1))
    return values


def _xavier(filler, shape, rng):
    """Glorot and Bengio 2010, in Caffe's form: uniform with the variance 1/n."""
    scale = np.sqrt(3 / _fan(filler, shape))
    return rng.random(shape, np.float32) * np.float32(2 * scale) - np.float32(scale)


def _msra(filler, shape, rng):
    """He et al. 2015: normal with the variance 2/n."""
    return rng.standard_normal(shape, np.float32) * np.float32(np.sqrt(2 / _fan(filler, shape)))


def _positive_unitball(filler, shape, rng):
    """Uniform in 0..1, then each output's weights divided by their sum."""
    values = rng.random(shape)
    rows = values.reshape(shape[0] if shape else 1, count(shape, 1))
    return (rows / np.maximum(rows.sum(axis=1, keepdims=True), np.finfo(np.float32).tiny)).reshape(shape)


def _bilinear(filler, shape, rng):
    """The kernel that makes a Deconvolution interpolate (as FCN does)."""
    size = shape[3]
    f = np.ceil(size / 2)
    c = (size - 1) / (2 * f) if f else 0
    tent = 1 - np.abs(np.arange(size) / (f or 1) - c)
    return np.broadcast_to(np.outer(tent, tent), shape).copy()


FILLERS = {"constant": None, "uniform": _uniform, "gaussian": _gaussian, "xavier": _xavier, "msra": _msra,
           "positive_unitball": _positive_unitball, "bilinear": _bilinear}
