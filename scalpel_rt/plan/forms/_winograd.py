"""Winograd's minimal filtering (Lavin and Gray 2015), as Cook and Toom derive it from points of interpolation."""

import numpy as np

from ._base import Form, packed
from ._epilogue import conv_args
from ._panels import pack_even

#: Points besides infinity, by count. Near 1, so that powers stay near 1: this is what keeps the rounding errors low.
POINTS = {3: (0, 1, -1), 5: (0, 0.5**0.5, -(0.5**0.5), 2**0.5, -(2**0.5))}


def transforms(out, size):
    """A (out, in), G (in, size), B (in, in) in float64, in = out + size - 1, for which

    A @ ((G @ g) * (B @ d)) is the correlation of d (in) with g (size).
    """
    n = out + size - 1
    points = np.array(POINTS[n - 1], np.float64)
    a, g, b = np.zeros((out, n)), np.zeros((n, size)), np.zeros((n, n))
    for i, p in enumerate(points):
        others = np.delete(points, i)
        a[:, i] = p ** np.arange(out)
        g[i] = p ** np.arange(size) / np.prod(p - others)
        b[i, : n - 1] = np.poly(others)[::-1]
    a[-1, -1] = g[-1, -1] = 1
    b[-1] = np.poly(points)[::-1]
    return a, g, b


class Winograd(Form):
    """Stride 1, kernels of ``size`` x ``size``, ``out`` x ``out`` outputs at a time."""

    kind = "conv"
    exact = False
    out = None
    size = None

    #: Floats of transformed input that a thread keeps, beyond which blocks of tiles get smaller
    BLOCK = 160 * 1024
    MOST, LEAST = 96, 48

    def illegal(self, op, kernel):
        a = op.attrs
        if (a["kh"], a["kw"]) != (self.size, self.size):
            return f"the kernel is not {self.size}x{self.size}"
        if (a["sh"], a["sw"]) != (1, 1):
            return "the stride is not 1"
        if (a["dh"], a["dw"]) != (1, 1):
            return "the kernel is dilated"
        return None

    def args(self, op, kernel):
        w, group = op.weights["w"], op.attrs["group"]
        m, c = w.shape[:2]
        _, g, _ = transforms(self.out, self.size)
        g2 = np.kron(g, g)                                       # (in*in, size*size)
        panels = packed((group, m // group * len(g2) * c))
        for i in range(group):
            points = np.asarray(w[i * (m // group) : (i + 1) * (m // group)], np.float64).reshape(-1, w[0, 0].size)
            points = (points @ g2.T).astype(np.float32).reshape(m // group, c, len(g2))
            pack_even(points.transpose(0, 2, 1).reshape(m // group, -1), kernel.tile_m, panels[i])
        return {**conv_args(op), "w": panels}

    def scratch(self, op, kernel):
        c, points = op.weights["w"].shape[1], (self.out + self.size - 1) ** 2
        if kernel.isa == "scalar":
            return c * points
        n, _, oh, ow = op.outputs[0].shape
        tiles = n * -(-oh // self.out) * -(-ow // self.out)
        block = min(self.MOST, max(self.LEAST, self.BLOCK // (c * points)), tiles)
        return points * ((c + 4 * kernel.tile_m + 1) * -(-block // 16) * 16 + 32)

    def cost(self, op, kernel, machine):
        n, m, oh, ow = op.outputs[0].shape
        c, points = op.weights["w"].shape[1], (self.out + self.size - 1) ** 2
        tiles = n * -(-oh // self.out) * -(-ow // self.out)
        # The transforms take about as long as this many more channels would.
        return 2 * tiles * points * (c * m + 8 * (c + m)), 4 * m * c * points, 0.75
