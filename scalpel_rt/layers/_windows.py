"""Sliding windows over spatial axes: their parameters, their number, and the pixels that they meet."""

import itertools
from dataclasses import dataclass

from ..errors import GraphError, ShapeError


@dataclass(frozen=True)
class Windows:
    """Windows over a given bottom: a tuple with one number per spatial axis for each property.

    ``axis`` is that of the channels; the spatial axes come after it, those before it are a batch.
    """

    axis: int
    kernel: tuple
    stride: tuple
    pad: tuple
    dilation: tuple


class WindowParams:
    """The window part of a ``ConvolutionParameter``, checked as far as it can be without a bottom's shape.

    Each of kernel, stride, pad and dilation is given once for all spatial axes or once for each of them; the ``_h``
    and ``_w`` forms are for two spatial axes and exclude the other form. Raises GraphError.
    """

    def __init__(self, param):
        self.axis = param.axis
        self.kernel = _numbers(param, "kernel_size", "kernel", least=1)
        self.stride = _numbers(param, "stride", "stride", least=1)
        self.pad = _numbers(param, "pad", "pad", least=0)
        self.dilation = _numbers(param, "dilation", None, least=1)

    def over(self, layer, shape):
        """The :class:`Windows` over a bottom of ``shape``; ShapeError where the counts do not fit its axes."""
        axis = layer.axis(self.axis, shape)
        n = len(shape) - axis - 1
        if n and not self.kernel:
            raise GraphError(f"kernel_size (or kernel_h and kernel_w) is missing, bottom shape {tuple(shape)}")
        return Windows(axis, _per_axis(self.kernel, n, 1, "kernel_size", shape),
                       _per_axis(self.stride, n, 1, "stride", shape), _per_axis(self.pad, n, 0, "pad", shape),
                       _per_axis(self.dilation, n, 1, "dilation", shape))


def _numbers(param, repeated, pair, least):
    """What is given for one property: a tuple of none, one, or as many numbers as there are spatial axes."""
    values, names = tuple(getattr(param, repeated)), (repeated,)
    if pair:
        h, w = f"{pair}_h", f"{pair}_w"
        if param.HasField(h) or param.HasField(w):
            if values:
                raise GraphError(f"{repeated} {list(values)} is given together with {h}, {w}: either one or the other")
            values, names = (getattr(param, h), getattr(param, w)), (h, w)
    for value, name in zip(values, names if len(names) == len(values) else names * len(values), strict=True):
        if value < least:
            raise GraphError(f"{name} must be at least {least}, not {value}")
    return values


def _per_axis(values, n, default, what, shape):
    if len(values) not in (0, 1, n):
        raise ShapeError(f"{len(values)} values of {what} for {n} spatial axes, bottom shape {tuple(shape)}")
    return values if len(values) == n else (values or (default,)) * n


def convolved_size(size, kernel, stride, pad, dilation):
    """Windows along one axis as Caffe counts them, ShapeError when negative.

    C's integer division rounds towards zero, so a window that overhangs by less than a stride still counts as one.
    """
    room = size + 2 * pad - (dilation * (kernel - 1) + 1)
    windows = (room // stride if room >= 0 else -(-room // stride)) + 1
    if windows < 0:
        raise ShapeError(f"a kernel of {kernel}, dilation {dilation}, does not fit an input of {size} with pad {pad}")
    return windows


def taps(size, out, kernel, stride, pad, dilation):
    """Every tap of a window and what it meets: (tap, index of windows, index of pixels), tuples for the spatial axes.

    All arguments are tuples with a number per spatial axis; ``out`` is the number of windows. The two indices are
    tuples of slices of equal lengths: window ``w`` has the tap at pixel ``w*stride - pad + tap*dilation``, and the
    windows whose tap falls outside the image are left out, so that nothing has to be padded.
    """
    axes = [[(t, *_met(*numbers, t)) for t in _reaching(k, *numbers)]
            for k, *numbers in zip(kernel, size, out, stride, pad, dilation, strict=True)]
    for combination in itertools.product(*axes):
        tap, windows, pixels = zip(*combination, strict=True) if combination else ((), (), ())
        if None not in windows:
            yield tap, windows, pixels


def _reaching(kernel, size, out, stride, pad, dilation):
    """The taps along one axis that any window can have on the image, however large the kernel."""
    return range(max(0, -(((out - 1) * stride - pad) // dilation)), min(kernel, (size + pad - 1) // dilation + 1))


def _met(size, out, stride, pad, dilation, t):
    """Slices of windows and of pixels along one axis that tap ``t`` joins; (None, None) when there are none."""
    first = t * dilation - pad                                  # the pixel that window 0 meets
    low = max(0, -(first // stride))
    high = min(out, -((first - size) // stride))
    if low >= high:
        return None, None
    return slice(low, high), slice(low * stride + first, (high - 1) * stride + first + 1, stride)
