"""Deconvolution: the transposed convolution, for upsampling."""

import numpy as np

from ..errors import ShapeError
from ._base import count
from ._chunks import chunks
from ._registry import register
from ._windows import taps
from .convolution import Convolution


@register
class Deconvolution(Convolution):
    """Each input pixel adds its value times the kernel to the output; ``stride`` spreads the pixels, ``pad`` crops.

    Params: w (channels, num_output/group, *kernel), b (num_output).
    """

    type = "Deconvolution"
    kind = "deconv"

    def out_size(self, size, kernel, stride, pad, dilation):
        out = stride * (size - 1) + dilation * (kernel - 1) + 1 - 2 * pad
        if out < 0:
            raise ShapeError(f"pad {pad} crops more than an input of {size} gives with stride {stride}")
        return out

    def weight_shape(self, channels, kernel):
        return (channels, self.num_output // self.group, *kernel)

    def multiply_adds(self, bottoms, tops, params):
        return sum(count(bottom) * count(params[0], 1) for bottom in bottoms)

    def compute(self, x, w, windows, out):
        return deconvolve(x, w, windows.stride, windows.pad, windows.dilation, self.group, out)

    def inside(self, rows):
        return True


def deconvolve(x, w, stride, pad, dilation, group, out):
    """Transposed convolution of x (N, C, *spatial) with w (C, M/group, *kernel): float64 (N, M, *out)."""
    n, c, *spatial = x.shape
    m, kernel = w.shape[1] * group, w.shape[2:]
    x = x.reshape(n, group, c // group, *spatial)
    w = w.reshape(group, c // group, m // group, *kernel).swapaxes(1, 2)
    w = np.array(np.moveaxis(w, range(3, w.ndim), range(len(kernel))), dtype=np.float64, order="C")
    y = np.zeros((n, group, m // group, *out))
    for some in chunks(n, max(c * count(spatial), m * count(out))):
        source, target = x[some].astype(np.float64), y[some]
        for tap, windows, pixels in taps(out, spatial, kernel, stride, pad, dilation):
            part = source[(..., *windows)]
            place = target[(..., *pixels)]
            place += (w[tap] @ part.reshape(*part.shape[:3], count(part.shape, 3))).reshape(place.shape)
    return y.reshape(n, m, *out)
