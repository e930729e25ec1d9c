"""The activations of an epilogue in float64, for the kernels that end in one."""

import numpy as np

#: name -> number in scl_act, p0, p1
ACTS = {"none": (0, 0, 0), "relu": (1, 0, 0), "leaky": (1, 0.1, 0), "clip": (2, -0.5, 1.25), "prelu": (3, 0, 0)}


def activate(v, act, p0, p1, slope):
    """``v`` (float64) after the activation; ``slope`` broadcasts against it."""
    p0, p1 = float(np.float32(p0)), float(np.float32(p1))
    if act == "none":
        return v
    if act == "clip":
        return np.where(np.isnan(v), p0, np.maximum(p0, np.minimum(v, p1)))
    return np.maximum(v, 0) + (slope if act == "prelu" else p0) * np.minimum(v, 0)
