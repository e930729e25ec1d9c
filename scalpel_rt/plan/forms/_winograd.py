"""Winograd's minimal filtering (Lavin and Gray 2015), as Cook and Toom derive it from points of interpolation."""

import numpy as np

from ...isa import LANES
from ._base import SCALAR, Form, packed
from ._epilogue import conv_args
from ._panels import even_parts

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
    #: what the transforms cost for each channel in and out, in multiply-adds for each point; measured
    transform = None

    #: Floats of transformed input that a thread keeps, beyond which blocks of tiles get smaller
    BLOCK = 160 * 1024
    MOST, LEAST = 96, 48
    FAIR = 6    # vectors of tiles of a part: fewer take longer

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
        (m, c), mg = w.shape[:2], w.shape[0] // group
        _, g, _ = transforms(self.out, self.size)
        g2 = np.kron(g, g)                                              # points x (size*size)
        panels = packed((m * c * len(g2),))
        for first in range(0, m, mg):
            for begin, end in even_parts(mg, self.band(kernel)):
                at = first + begin
                band = panels[at * c * len(g2) : (first + end) * c * len(g2)].reshape(len(g2), -1)
                points = (w[at : first + end].reshape(-1, g2.shape[1]).astype(np.float64) @ g2.T).astype(np.float32)
                points = points.reshape(end - begin, c, len(g2))
                for top, bottom in even_parts(end - begin, kernel.tile_m):
                    band[:, top * c : bottom * c] = points[top:bottom].transpose(2, 1, 0).reshape(len(g2), -1)
        return {**conv_args(op), "w": panels}

    def band(self, kernel):
        """Output channels whose products are kept at a time: ROWS in the kernel."""
        return 1 if kernel.isa == "scalar" else 4 * kernel.tile_m

    def tiles(self, op):
        n, _, oh, ow = op.outputs[0].shape
        return n * -(-oh // self.out) * -(-ow // self.out)

    def most_parts(self, op, kernel):
        """Each part reads the weights of all points once more, or transforms the input once more."""
        return self.tiles(op) / (self.FAIR * LANES[kernel.isa])

    def scratch(self, op, kernel):
        c, points = op.weights["w"].shape[1], (self.out + self.size - 1) ** 2
        if kernel.isa == "scalar":
            return c * points
        tiles = self.tiles(op)
        block = min(self.MOST, max(self.LEAST, self.BLOCK // (c * points)), tiles)
        return points * ((c + self.band(kernel) + 1) * -(-block // 16) * 16 + 32)

    def cost(self, op, kernel, machine):
        m, c, points = op.outputs[0].shape[1], op.weights["w"].shape[1], (self.out + self.size - 1) ** 2
        lanes = LANES[kernel.isa]
        vectors = -(-self.tiles(op) // lanes)
        # The transforms take about as long as so many more channels would.
        work = vectors * points * (1.05 * c * m + self.transform * (c * op.attrs["group"] + m))
        return 2 * lanes * work, 4 * m * c * points, {"scalar": SCALAR, "avx512": 1.0}.get(kernel.isa, 0.96)
