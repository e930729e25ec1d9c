"""Unpooling: DeconvNet's inverse of a pooling (Noh, Hong, Han, 2015)."""

import numpy as np

from ..errors import GraphError, ShapeError
from ._base import Layer, as_f32
from ._registry import register
from .upsample import lower_scatter, scatter


@register
class Unpooling(Layer):
    """x (N, C, H, W) [, mask] -> (N, C, OH, OW).

    MAX puts each pixel at the place that the mask of a max pooling names, or without one at the first pixel of its
    window, zeros elsewhere. TILE puts it at all pixels of its window, AVE does and divides by the window's size; where
    windows overlap, the values add up. The size is ``unpool_size`` (``unpool_h``, ``unpool_w``), or what the windows
    span: at least H s + 1, as its authors have it.
    """

    type = "Unpooling"
    origin = "DeconvNet"
    bottoms = (1, 2)

    def parse(self, message):
        p = message.unpooling_param
        self.method = type(p).UnpoolMethod.Name(p.unpool)
        self.kernel = _pair(p, "kernel_size", "kernel_h", "kernel_w")
        self.stride = _pair(p, "stride", "stride_h", "stride_w") or (1, 1)
        self.size = _pair(p, "unpool_size", "unpool_h", "unpool_w")
        if self.kernel is None:
            raise GraphError("unpooling_param needs kernel_size, or kernel_h and kernel_w")
        if min(*self.kernel, *self.stride, *(self.size or (1,))) < 1:
            raise GraphError(f"unpooling_param kernel {self.kernel}, stride {self.stride} and size {self.size} must be "
                             "above 0")
        if any(_pair(p, "pad", "pad_h", "pad_w") or ()):
            raise GraphError("unpooling_param takes no pad")

    def shapes(self, bottoms):
        x = bottoms[0]
        if len(x) != 4 or len(bottoms) == 2 and bottoms[1] != x:
            raise ShapeError("Unpooling takes a bottom of shape (N, C, H, W) and a mask of the same, not "
                             + " and ".join(map(str, bottoms)))
        return [(*x[:2], *(self.size or (max((n - 1) * s + k, n * s + 1)
                                         for n, k, s in zip(x[2:], self.kernel, self.stride, strict=True))))]

    def forward(self, bottoms, params):
        x = bottoms[0]
        size = self.shapes([b.shape for b in bottoms])[0][2:]
        if self.method == "MAX":
            if len(bottoms) == 2:
                return [scatter(x, bottoms[1], size)]
            rows, columns = (np.minimum(np.arange(n) * s, m - 1)
                             for n, s, m in zip(x.shape[2:], self.stride, size, strict=True))
            return [scatter(x, np.broadcast_to(rows[:, None] * size[1] + columns, x.shape), size)]
        spread = [self._spread(n, k, s, m)
                  for n, k, s, m in zip(x.shape[2:], self.kernel, self.stride, size, strict=True)]
        return [as_f32(spread[0] @ x.astype(np.float64) @ spread[1].T)]

    def lower(self, build, bottoms, tops, params):
        return self.method == "MAX" and len(bottoms) == 2 and lower_scatter(build, *bottoms, tops[0])

    def _spread(self, pixels, kernel, stride, size):
        """(size, pixels): what each pixel of one axis gives to each pixel of the top."""
        at = np.arange(size)[:, None] - np.arange(pixels) * stride
        inside = ((at >= 0) & (at < kernel)).astype(np.float64)
        return inside / np.maximum(inside.sum(axis=0), 1) if self.method == "AVE" else inside


def _pair(param, both, h, w):
    """(height, width) given together or one by one; None when neither is. GraphError for a mixture."""
    if param.HasField(h) != param.HasField(w) or param.HasField(both) and param.HasField(h):
        raise GraphError(f"unpooling_param needs {both}, or {h} and {w}")
    if param.HasField(h):
        return getattr(param, h), getattr(param, w)
    return (getattr(param, both),) * 2 if param.HasField(both) else None
