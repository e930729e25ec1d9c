"""Im2col: windows of pixels laid out as channels."""

import numpy as np

from ..errors import GraphError, ShapeError
from ._base import Layer, count
from ._registry import register
from ._strides import strides
from ._windows import WindowParams, convolved_size, taps


@register
class Im2col(Layer):
    """What a convolution of the same ``convolution_param`` multiplies: (N, C * taps, *windows), zeros outside."""

    type = "Im2col"

    def parse(self, message):
        self.windows = WindowParams(message.convolution_param)
        if not self.windows.kernel:
            raise GraphError("kernel_size (or kernel_h and kernel_w) is missing")

    def geometry(self, shape):
        """(:class:`~._windows.Windows`, number of windows along each spatial axis)."""
        w = self.windows.over(self, shape)
        if w.axis == len(shape) - 1:
            raise ShapeError(f"no spatial axis after axis {w.axis}, bottom shape {tuple(shape)}")
        return w, tuple(map(convolved_size, shape[w.axis + 1:], w.kernel, w.stride, w.pad, w.dilation))

    def shapes(self, bottoms):
        shape = tuple(bottoms[0])
        w, out = self.geometry(shape)
        return [(*shape[:w.axis], shape[w.axis] * count(w.kernel), *out)]

    def forward(self, bottoms, params):
        x = bottoms[0]
        w, out = self.geometry(x.shape)
        y = np.zeros((*x.shape[:w.axis + 1], *w.kernel, *out), np.float32)
        for tap, windows, pixels in taps(x.shape[w.axis + 1:], out, w.kernel, w.stride, w.pad, w.dilation):
            y[(*[slice(None)] * (w.axis + 1), *tap, *windows)] = x[(..., *pixels)]
        return [y.reshape(self.shapes([x.shape])[0])]

    def lower(self, build, bottoms, tops, params):
        shape = bottoms[0].shape
        w, out = self.geometry(shape)
        spatial = shape[w.axis + 1:]
        inside = all((o - 1) * s + d * (k - 1) < size for o, s, d, k, size
                     in zip(out, w.stride, w.dilation, w.kernel, spatial, strict=True))
        if any(w.pad) or not inside:
            return False
        steps = strides(spatial)
        loops = (count(shape, 0, w.axis + 1), *w.kernel, *out)
        return build.copy(bottoms, tops[0], [{
            "shape": loops, "y_strides": strides(loops),
            "x_strides": (count(spatial), *(d * step for d, step in zip(w.dilation, steps, strict=True)),
                          *(s * step for s, step in zip(w.stride, steps, strict=True)))}])
