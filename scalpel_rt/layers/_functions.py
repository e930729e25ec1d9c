"""The element-wise functions of :data:`scalpel_rt.plan.spec.UNARY`, in float64 NumPy.

``apply(fn, x, p0, p1, p2)`` takes an array of any shape and gives a float64 array of that shape. Special values are
those of Caffe: comparisons are written out, because NumPy's own maximum and minimum treat NaN and -0 otherwise.
"""

import numpy as np


def apply(fn, x, p0=0.0, p1=0.0, p2=0.0):
    """Function ``fn`` of ``x``; the parameters are float32 in a kernel, so they are rounded to it here."""
    p0, p1, p2 = (float(np.float32(p)) for p in (p0, p1, p2))
    with np.errstate(all="ignore"):
        return FUNCTIONS[fn](np.asarray(x, np.float64), p0, p1, p2)


def positive(x):
    """max(x, 0): NaN and -0 stay."""
    return np.where(x < 0, 0.0, x)


def negative(x):
    """min(x, 0): NaN and -0 stay."""
    return np.where(x > 0, 0.0, x)


def sigmoid(x):
    """1/(1+exp(-x)) without overflow."""
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1.0) / (1.0 + e)


def softplus(x):
    """log(1+exp(x)) without overflow."""
    return np.where(x > 0, x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def power(x, exponent, scale, shift):
    """(shift + scale*x)^exponent; where exponent*scale is 0 Caffe does not look at x: all 1, or shift^exponent."""
    if exponent * scale == 0:
        return np.full(x.shape, 1.0 if exponent == 0 else np.float64(shift) ** exponent)
    return (shift + scale * x) ** exponent


FUNCTIONS = {
    "relu": lambda x, p0, p1, p2: positive(x) + p0 * negative(x),
    "elu": lambda x, p0, p1, p2: positive(x) + p0 * np.expm1(negative(x)),
    "sigmoid": lambda x, p0, p1, p2: sigmoid(x),
    "tanh": lambda x, p0, p1, p2: np.tanh(x),
    "abs": lambda x, p0, p1, p2: np.abs(x),
    "bnll": lambda x, p0, p1, p2: softplus(x),
    "swish": lambda x, p0, p1, p2: x * sigmoid(p0 * x),
    "clip": lambda x, p0, p1, p2: np.where(x > p0, np.where(x > p1, np.maximum(p0, p1), x), p0),
    "threshold": lambda x, p0, p1, p2: (x > p0).astype(np.float64),
    "power": power,
    "exp": lambda x, p0, p1, p2: np.exp(p1 + p0 * x),
    "log": lambda x, p0, p1, p2: p2 * np.log(p1 + p0 * x),
    "mish": lambda x, p0, p1, p2: x * np.tanh(softplus(x)),
    "hswish": lambda x, p0, p1, p2: x * np.clip(x + 3, 0, 6) / 6,
}
