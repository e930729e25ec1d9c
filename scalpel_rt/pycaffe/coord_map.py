"""caffe.coord_map: how the pixels of one blob of a NetSpec lie over those of another, and the Crop that aligns them.

A layer that slides a window puts what is at x of its bottom at x * scale + offset of its top. For a Convolution or
Pooling with kernel k, stride s and pad p that is 1/s and (p - (k - 1)/2)/s, for a Deconvolution s and (k - 1)/2 - p.
Fully convolutional nets (Long, Shelhamer, Darrell 2015) crop by what comes out along the whole way.
"""

from fractions import Fraction

import numpy as np

from .errors import PycaffeAssertion, PycaffeError
from .net_spec import layers as L

SAME = frozenset((
    "AbsVal BatchNorm Bias BNLL Clip Concat Dropout ELU Eltwise Exp Log LRN MVN Power PReLU ReLU Scale Sigmoid Softmax "
    "Split Swish TanH Threshold").split())


def crop(top_from, top_to):
    """The Top of a Crop layer that cuts ``top_from`` to the size of ``top_to``, pixel over pixel.

    An AssertionError where no crop can do that, a RuntimeError where the two do not hang together.
    """
    axis, scale, offset = coord_map_from_to(top_from, top_to)
    if (scale != 1).any():
        raise PycaffeAssertion(f"a crop needs blobs of the same scale; these differ by a factor of {scale}")
    if (offset > 0).any():
        raise PycaffeAssertion(f"the blob to cut begins {offset} pixels inside the other: there is nothing to cut")
    if (offset != np.round(offset)).any():
        raise PycaffeAssertion(f"the blobs are {offset} pixels apart, which is no whole number")
    return L.Crop(top_from, top_to, crop_param=dict(axis=axis + 1, offset=[int(-d) for d in np.atleast_1d(offset)]))


def coord_map_from_to(top_from, top_to):
    """How coordinates of ``top_from`` become those of ``top_to``: (axis, scale, offset).

    ``axis`` is that of the channels, before the spatial ones; scale and offset are float arrays, of one number for each
    spatial axis, or with no axis where one number holds for all. A RuntimeError where no blob is the source of both.
    """
    above = _sources(top_from)
    for top, (axis, scale, offset) in _sources(top_to).items():
        if top in above:
            from_axis, from_scale, from_offset = above[top]
            factor = scale / from_scale
            return (_same_axis(from_axis, axis), np.asarray(factor, float),
                    np.asarray(offset - from_offset * factor, float))
    raise PycaffeError("the two tops do not come from one blob by layers that keep pixels beside each other")


def _sources(top):
    """{blob: (axis, scale, offset) from it to ``top``}, those nearest to the top first; exact fractions."""
    found, queue = {top: (None, Fraction(1), Fraction(0))}, [top]
    for here in queue:
        step = _coord_map(here.fn)
        if step is None:
            continue
        axis, scale, offset = found[here]
        if here.fn.type_name in ("Convolution", "Deconvolution"):   # each bottom has its own top
            bottoms = here.fn.inputs[here.n:here.n + 1]
        else:
            bottoms = here.fn.inputs[:1] if here.fn.type_name == "Crop" else here.fn.inputs
        for bottom in bottoms:
            if bottom not in found:
                found[bottom] = _same_axis(step[0], axis), step[1] * scale, step[2] * scale + offset
                queue.append(bottom)
    return found


def _coord_map(fn):
    """(axis, scale, offset) of a layer, from bottom to top; None where it keeps no pixels beside each other."""
    kind, params = fn.type_name, dict(fn.params)
    for message in ("convolution_param", "pooling_param", "crop_param", "concat_param"):
        params.update(params.pop(message, {}))
    if kind in ("Convolution", "Deconvolution", "Pooling", "Im2col") and not params.get("global_pooling"):
        kernel, stride, pad, dilation = (
            _per_axis(params, *said) for said in (("kernel", 1), ("stride", 1), ("pad", 0), ("dilation", 1)))
        reach = dilation * (kernel - 1) / 2
        axis = 1 if kind == "Pooling" else params.get("axis", 1)
        if kind == "Deconvolution":
            return axis, stride, reach - pad
        return axis, 1 / stride, (pad - reach) / stride
    if kind == "Crop":
        return params.get("axis", 2) - 1, Fraction(1), -_fractions(params.get("offset", 0))
    if kind in SAME and not (kind == "Concat" and params.get("axis", 1) != 1):
        return None, Fraction(1), Fraction(0)
    return None


def _per_axis(params, name, default):
    """A number of a window, in any of the ways to say it."""
    if f"{name}_h" in params or f"{name}_w" in params:
        return _fractions([params.get(f"{name}_h", default), params.get(f"{name}_w", default)])
    return _fractions(params.get("kernel_size" if name == "kernel" else name, default))


def _fractions(value):
    """A Fraction, or an array of them where there are several."""
    if isinstance(value, list | tuple) and len(value) == 1:
        value = value[0]
    return np.array([Fraction(one) for one in value]) if isinstance(value, list | tuple) else Fraction(value)


def _same_axis(a, b):
    if a is not None and b is not None and a != b:
        raise PycaffeError(f"the channels are on axis {a} in one layer and on axis {b} in another")
    return b if a is None else a
