"""How layers that scale and shift say so to the runtime."""

import numpy as np

from ._base import as_f32, count


def lower_affine(build, x, y, axis, shape, scale=None, shift=None):
    """Emit y = x*scale + shift; scale and shift (arrays, numbers or None) lie along ``shape`` from ``axis`` on.

    One number for all is spread along the channels (axis 1), because there it can be folded into a neighbour.
    """
    if count(shape) == 1 and len(x.shape) > 1:
        axis, shape = 1, x.shape[1:2]
        scale, shift = (None if v is None else np.full(shape, np.asarray(v).item(), np.float32) for v in (scale, shift))
    flat = (count(x.shape, 0, axis), count(shape), count(x.shape, axis + len(shape)))
    y, done = build.into(y, flat)
    weights = {name: None if v is None else as_f32(v).reshape(flat[1])
               for name, v in (("scale", scale), ("shift", shift))}
    build.op("affine", [build.reshaped(x, flat)], [y], weights, act=None)
    done()
    return True
