"""Pooling: the maximum or the average of windows of pixels."""

import numpy as np

from ..errors import GraphError, ShapeError, UnsupportedError
from ._base import Layer, as_f32
from ._registry import register
from ._windows import taps

#: Caffe's FLT_MAX, the start of every maximum
LOWEST = -float(np.finfo(np.float32).max)


@register
class Pooling(Layer):
    """MAX or AVE over windows of x (N, C, H, W); for MAX a second top gives where each maximum is, as h*W + w.

    The size is rounded up (``round_mode`` CEIL) or down. With padding, a last window that would start beyond image and
    left padding is left out; without, it stays, and an empty window gives -FLT_MAX (mask -1) or 0/0. An average is
    divided by the size of its window within the image padded on both sides. The first of equal maxima counts, NaN
    never does. STOCHASTIC gives sum(x^2)/sum(x), as Caffe does at inference on a GPU.
    """

    type = "Pooling"
    tops = (1, 2)

    def parse(self, message):
        p = message.pooling_param
        self.n_tops = max(1, len(message.top))
        self.method = p.PoolMethod.Name(p.pool)
        self.ceil = p.round_mode == p.CEIL
        self.is_global = p.global_pooling
        self.pad, self.stride = pair(p, "pad", 0), pair(p, "stride", 1)
        if self.is_global:
            given = [f for f in ("kernel_size", "kernel_h", "kernel_w") if p.HasField(f)]
            if given:
                raise GraphError(f"global_pooling takes its kernel from the bottom, {given[0]} cannot be given")
            if self.pad != (0, 0) or self.stride != (1, 1):
                raise GraphError(f"global_pooling needs pad 0 and stride 1, not {self.pad} and {self.stride}")
            self.kernel = None
        else:
            self.kernel = self.read_kernel(p)
            if any(a >= k for a, k in zip(self.pad, self.kernel, strict=True)):
                raise GraphError(f"pad {self.pad} must be smaller than the kernel {self.kernel}")
        if self.method == "STOCHASTIC":
            if self.phase == "TRAIN":
                raise UnsupportedError("STOCHASTIC pooling in phase TRAIN")
            if self.pad != (0, 0):
                raise GraphError(f"STOCHASTIC pooling takes no padding, not {self.pad}")

    @staticmethod
    def read_kernel(p):
        """(height, width) of the window, from either of its two forms."""
        both = p.HasField("kernel_h") and p.HasField("kernel_w")
        if p.HasField("kernel_size") == both:
            raise GraphError("kernel_size and kernel_h with kernel_w are both given: either one or the other" if both
                             else "kernel_size, or kernel_h and kernel_w, is missing")
        kernel = (p.kernel_h, p.kernel_w) if both else (p.kernel_size, p.kernel_size)
        if min(kernel) < 1:
            raise GraphError(f"kernel must be at least 1, not {kernel}")
        return kernel

    def check_counts(self, n_bottoms, n_tops):
        super().check_counts(n_bottoms, n_tops)
        if n_tops > 1 and self.method != "MAX":
            raise GraphError(f"{self.method} pooling has 1 top, not {n_tops}: only MAX has a mask")

    def geometry(self, shape):
        """(kernel, size of the top), both (height, width)."""
        if len(shape) != 4:
            raise ShapeError(f"the bottom must have 4 axes, its shape is {tuple(shape)}")
        kernel = self.kernel or tuple(shape[2:])
        out = tuple(pooled_size(*numbers, self.ceil, any(self.pad))
                    for numbers in zip(shape[2:], kernel, self.stride, self.pad, strict=True))
        if min(out) < 0:
            raise ShapeError(f"the kernel {kernel} does not fit the bottom, shape {tuple(shape)}, with pad {self.pad}")
        return kernel, out

    def shapes(self, bottoms):
        _, out = self.geometry(bottoms[0])
        return [(*bottoms[0][:2], *out)] * self.n_tops

    def forward(self, bottoms, params):
        kernel, out = self.geometry(bottoms[0].shape)
        numbers = kernel, self.stride, self.pad, out
        if self.method == "MAX":
            y = max_pool(bottoms[0], *numbers)
            if self.n_tops == 1:
                return [y]
            return [y, as_f32(max_mask(bottoms[0], y, kernel, self.stride, self.pad))]
        with np.errstate(all="ignore"):
            if self.method == "AVE":
                return [as_f32(average_pool(bottoms[0], *numbers))]
            x = bottoms[0].astype(np.float64)
            tiny = float(np.finfo(np.float32).tiny)
            return [as_f32(sum_pool(x * x, *numbers) / (tiny + sum_pool(x, *numbers)))]

    def lower(self, build, bottoms, tops, params):
        if self.method == "STOCHASTIC":
            return False
        (kh, kw), _ = self.geometry(bottoms[0].shape)
        (sh, sw), (ph, pw) = self.stride, self.pad
        build.op("pool", bottoms, tops, method=self.method.lower(), kh=kh, kw=kw, sh=sh, sw=sw, ph=ph, pw=pw)
        return True


def pair(p, name, least):
    """(height, width) of pad or stride, from either of its two forms; GraphError for half a pair or both forms."""
    given = [p.HasField(name), p.HasField(f"{name}_h"), p.HasField(f"{name}_w")]
    if given[1] != given[2] or all(given):
        raise GraphError(f"give {name}, or both {name}_h and {name}_w")
    values = (getattr(p, f"{name}_h"), getattr(p, f"{name}_w")) if given[1] else (getattr(p, name),) * 2
    if min(values) < least:
        raise GraphError(f"{name} must be at least {least}, not {values}")
    return values


def pooled_size(size, kernel, stride, pad, ceil, clip):
    """Number of windows along one axis; ``clip`` where either axis is padded. Negative when the kernel does not fit."""
    room = size + 2 * pad - kernel
    out = (-(-room // stride) if ceil else room // stride) + 1
    if clip and (out - 1) * stride >= size + pad:
        out -= 1
    return out


def spans(size, kernel, stride, pad, out):
    """Along one axis, for each window: where it starts and ends within the image, and its size within the padding."""
    start = np.arange(out) * stride - pad
    end = np.minimum(start + kernel, size + pad)
    return np.maximum(start, 0), np.minimum(end, size), end - start


def max_pool(x, kernel, stride, pad, out):
    """Maxima over the windows of x (N, C, H, W): float32 (N, C, *out)."""
    x = np.where(x > LOWEST, x, np.float32(LOWEST))                         # leaves out NaN, as a comparison does
    return _reduced(x, kernel, stride, pad, out, lambda part, axis: part.max(axis, initial=LOWEST))


def max_mask(x, y, kernel, stride, pad):
    """Where each maximum y (N, C, *out) of x (N, C, H, W) is found first, as h*W + w; -1 where y is of no pixel."""
    place = np.arange(x.shape[2] * x.shape[3]).reshape(x.shape[2:])
    mask = np.full(y.shape, -1)
    for _, windows, pixels in reversed(list(taps(x.shape[2:], y.shape[2:], kernel, stride, pad, (1, 1)))):
        pixel, best = x[(..., *pixels)], y[(..., *windows)]
        np.copyto(mask[(..., *windows)], place[pixels], where=(pixel == best) & (pixel > LOWEST))
    return mask


def sum_pool(x, kernel, stride, pad, out):
    """Sums over the windows of x (N, C, H, W): float64 (N, C, *out)."""
    return _reduced(x.astype(np.float64), kernel, stride, pad, out, lambda part, axis: part.sum(axis))


def average_pool(x, kernel, stride, pad, out):
    """Averages over the windows of x (N, C, H, W), with Caffe's divisor: float64 (N, C, *out)."""
    rows, columns = (spans(*numbers)[2] for numbers in zip(x.shape[2:], kernel, stride, pad, out, strict=True))
    return sum_pool(x, kernel, stride, pad, out) / np.outer(rows, columns)


def _reduced(x, kernel, stride, pad, out, reduce):
    """``reduce(part, axis)`` over the windows, first along the height, then along the width."""
    for i, axis in enumerate((2, 3)):
        start, end, _ = spans(x.shape[axis], kernel[i], stride[i], pad[i], out[i])
        y = np.empty((*x.shape[:axis], out[i], *x.shape[axis + 1:]), x.dtype)
        before = (slice(None),) * axis
        for j, (a, b) in enumerate(zip(start, end, strict=True)):
            y[(*before, j)] = reduce(x[(*before, slice(a, max(a, b)))], axis)
        x = y
    return x
