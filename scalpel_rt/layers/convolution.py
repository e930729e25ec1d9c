"""Convolution over any number of spatial axes."""

import numpy as np

from ..errors import GraphError, ShapeError
from ._base import Layer, as_f32, count
from ._chunks import chunks
from ._registry import register
from ._windows import WindowParams, convolved_size, taps


@register
class Convolution(Layer):
    """y = w * x + b, a cross-correlation with zero padding; the same weights for every pair of bottom and top.

    Axes before ``axis`` are a batch, those after it are spatial (there may be none: a linear map at each position).
    Params: w (num_output, channels/group, *kernel), b (num_output).
    """

    type = "Convolution"
    bottoms = (1, None)
    tops = (1, None)
    in_place = True

    def parse(self, message):
        p = message.convolution_param
        self.num_output, self.group, self.bias_term = p.num_output, p.group, p.bias_term
        self.windows = WindowParams(p)
        self.weight_filler, self.bias_filler = p.weight_filler, p.bias_filler
        if self.num_output < 1:
            raise GraphError("num_output must be at least 1, not 0")
        if self.group < 1:
            raise GraphError("group must be at least 1, not 0")
        if self.num_output % self.group:
            raise GraphError(f"num_output {self.num_output} is not a multiple of group {self.group}")

    def check_counts(self, n_bottoms, n_tops):
        super().check_counts(n_bottoms, n_tops)
        if n_bottoms != n_tops:
            raise GraphError(f"{self.type} takes as many tops as bottoms, not {n_tops} and {n_bottoms}")

    def out_size(self, *numbers):
        """Size of the top along one spatial axis from size, kernel, stride, pad, dilation."""
        return convolved_size(*numbers)

    def geometry(self, shape):
        """(:class:`~._windows.Windows`, spatial shape of the top) over a bottom of ``shape``."""
        w = self.windows.over(self, shape)
        if shape[w.axis] < 1 or shape[w.axis] % self.group:
            raise ShapeError(f"{shape[w.axis]} channels are not a multiple of group {self.group}, "
                             f"bottom shape {tuple(shape)}")
        try:
            out = tuple(map(self.out_size, shape[w.axis + 1:], w.kernel, w.stride, w.pad, w.dilation))
        except ShapeError as error:
            raise ShapeError(f"{error.message}; kernel {w.kernel}, bottom shape {tuple(shape)}") from None
        return w, out

    def shapes(self, bottoms):
        for other in bottoms[1:]:
            if tuple(other) != tuple(bottoms[0]):
                raise ShapeError(f"all bottoms must have one shape, not {tuple(bottoms[0])} and {tuple(other)}")
        w, out = self.geometry(bottoms[0])
        return [(*bottoms[0][:w.axis], self.num_output, *out)] * len(bottoms)

    def weight_shape(self, channels, kernel):
        """Shape of the weights over a bottom of so many channels."""
        return (self.num_output, channels // self.group, *kernel)

    def param_shapes(self, bottoms):
        w, _ = self.geometry(bottoms[0])
        weight = self.weight_shape(bottoms[0][w.axis], w.kernel)
        return [weight, (self.num_output,)] if self.bias_term else [weight]

    def fillers(self):
        return [self.weight_filler, self.bias_filler] if self.bias_term else [self.weight_filler]

    def multiply_adds(self, bottoms, tops, params):
        return sum(count(top) * count(params[0], 1) for top in tops)

    def compute(self, x, w, windows, out):
        """The layer's operation on x (N, C, *spatial), without the bias."""
        return convolve(x, w, windows.stride, windows.pad, windows.dilation, self.group, out)

    def forward(self, bottoms, params):
        tops = []
        for x in bottoms:
            windows, out = self.geometry(x.shape)
            batch, spatial = x.shape[:windows.axis], x.shape[windows.axis:]
            y = self.compute(x.reshape(count(batch), *spatial), params[0], windows, out)
            if self.bias_term:
                y += params[1].astype(np.float64).reshape(-1, *[1] * len(out))
            tops.append(as_f32(y.reshape(*batch, self.num_output, *out)))
        return tops

    kind = "conv"

    def lower(self, build, bottoms, tops, params):
        windows, out = self.geometry(bottoms[0].shape)
        spatial = bottoms[0].shape[windows.axis + 1:]
        plane = self.plane(spatial, windows, out)
        if plane is None:
            return False
        (h, w), (oh, ow), attrs = plane
        batch, channels = count(bottoms[0].shape, 0, windows.axis), bottoms[0].shape[windows.axis]
        weights = {"w": params[0].reshape(*params[0].shape[:2], attrs["kh"], attrs["kw"]),
                   "b": params[1] if self.bias_term else None}
        for x, y in zip(bottoms, tops, strict=True):
            x = build.reshaped(x, (batch, channels, h, w))
            y, done = build.into(y, (batch, self.num_output, oh, ow))
            build.op(self.kind, [x], [y], weights, **attrs, group=self.group, act=None)
            done()
        return True

    def plane(self, spatial, windows, out):
        """The same windows over two axes, or None: ((h, w), (oh, ow), the operation's attributes).

        Axes of size 1 that the window does not move along are left out; where fewer than two stay, the height is 1.
        """
        rows = list(zip(spatial, out, windows.kernel, windows.stride, windows.pad, windows.dilation, strict=True))
        if len(rows) > 2:
            rows = [row for row in rows if row[0] != 1 or row[1] != 1 or row[2] != 1 or row[4]]
        if len(rows) > 2 or not self.inside(rows):
            return None
        rows = [(1, 1, 1, 1, 0, 1)] * (2 - len(rows)) + rows
        sizes, outs, *numbers = zip(*rows, strict=True)
        names = ("kh", "kw"), ("sh", "sw"), ("ph", "pw"), ("dh", "dw")
        return sizes, outs, {name: n for pair, values in zip(names, numbers, strict=True)
                             for name, n in zip(pair, values, strict=True)}

    def inside(self, rows):
        """Whether every window lies inside the padded image (it may not where Caffe rounds towards zero)."""
        return all((o - 1) * s + d * (k - 1) + 1 <= size + 2 * p for size, o, k, s, p, d in rows)


def convolve(x, w, stride, pad, dilation, group, out):
    """Cross-correlation of x (N, C, *spatial) with w (M, C/group, *kernel): float64 (N, M, *out).

    Some taps at a time, the pixels that they meet are laid out as a matrix and multiplied with their weights.
    """
    n, c, *spatial = x.shape
    m, kernel, per, area = w.shape[0], w.shape[2:], c // group, count(out)
    x = x.reshape(n, group, per, *spatial)
    w = w.reshape(group, m // group, per, count(kernel)).swapaxes(2, 3).astype(np.float64)
    y = np.zeros((n, group, m // group, area))
    met = list(taps(spatial, out, kernel, stride, pad, dilation))
    for some in chunks(n, max(c * count(spatial), m * area)):
        source = x[some].astype(np.float64)
        for few in chunks(len(met), len(source) * c * area):
            matrix = np.zeros((len(source), group, few.stop - few.start, per, *out))
            for i, (_, windows, pixels) in enumerate(met[few]):
                matrix[(slice(None), slice(None), i, slice(None), *windows)] = source[(..., *pixels)]
            weights = w[:, :, [np.ravel_multi_index(tap, kernel) if kernel else 0 for tap, _, _ in met[few]]]
            k = weights.shape[2] * per
            y[some] += weights.reshape(group, m // group, k) @ matrix.reshape(len(source), group, k, area)
    return y.reshape(n, m, *out)
