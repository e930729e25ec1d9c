"""How a sparse convolution sees its input: which copies are made, how many output rows at a time, where weight k looks.

src_c/include/scl_window.h describes a window. Two kinds of copy are weighed against each other: with one start for each
column of the kernel, rows of pixels follow each other without gaps, so that no vector is cut at the end of a row; with
one start for each column modulo the stride, less is copied, but every output row is a run of its own.
"""

from dataclasses import dataclass

import numpy as np

from ...isa import LANES

#: Floats of a window that should not be exceeded: with the weights that stream by, it has to stay in the second cache.
MOST = 160 * 1024
#: What copying a vector costs, in multiply-adds of a vector.
COPY = 3.0
#: What a product costs whose pixels may cross a cache line, where loads are the bound.
CROSSING = 1.4


@dataclass(frozen=True)
class Window:
    """A choice; the fields are those of scl_window.

    ``floats`` is the size of the copy, ``cost`` is in multiply-adds of a vector.
    """

    direct: bool
    pitch: int
    rows: int
    plane_rows: int
    starts: tuple
    phases: tuple
    floats: int
    cost: float

    def table(self):
        """The struct for the kernel."""
        return np.array([self.direct, self.pitch, self.rows, self.plane_rows, len(self.starts), len(self.phases),
                         *self.starts, *self.phases], np.int32)

    def offsets(self, op):
        """The place of every weight k = (channel, ky, kx) of a convolution group in the window, (K,) int64."""
        a = op.attrs
        _, c, h, w = op.inputs[0].shape
        channel = np.arange(c // a["group"])[:, None, None]
        if self.direct:
            return (channel * h * w).reshape(-1)
        ky, kx = np.arange(a["kh"])[:, None] * a["dh"], np.arange(a["kw"]) * a["dw"]
        start = [self.starts.index(col - a["pw"]) if col - a["pw"] in self.starts
                 else self.starts.index(col % a["sw"] - a["pw"]) for col in kx.tolist()]
        skip = kx - a["pw"] - np.array(self.starts)[start]
        phase = np.searchsorted(self.phases, ky % a["sh"])
        plane = (channel * len(self.starts) + np.array(start)) * len(self.phases) + phase
        return ((plane * self.plane_rows + ky // a["sh"]) * self.pitch + skip // a["sw"]).reshape(-1)


def window(op, kernel, kept, bound_by_loads=False):
    """The cheapest Window for a convolution that keeps ``kept`` weights (of one convolution group).

    ``bound_by_loads``: the kernel loads its pixels for every product, so that it matters where they lie.
    """
    a, lanes = op.attrs, LANES[kernel.isa]
    _, c, h, w = op.inputs[0].shape
    oh, ow = op.outputs[0].shape[2:]
    if (a["kh"], a["kw"], a["sh"], a["sw"], a["ph"], a["pw"]) == (1, 1, 1, 1, 0, 0):
        return Window(True, w, oh, oh, (), (), 0, kept * oh * ow / lanes)
    ky, kx = [k * a["dh"] for k in range(a["kh"])], [k * a["dw"] for k in range(a["kw"])]
    phases = tuple(sorted({y % a["sh"] for y in ky}))
    each, few = tuple(x - a["pw"] for x in kx), tuple(sorted({x % a["sw"] - a["pw"] for x in kx}))
    kinds = [(each, ow), (few, ow + kx[-1] // a["sw"])]
    if bound_by_loads:
        kinds.append((each, -(-ow // lanes) * lanes))
    found = []
    for starts, pitch in kinds:
        planes = c // a["group"] * len(starts) * len(phases)
        straight = starts == each and pitch % min(lanes, 8) == 0
        product = CROSSING if bound_by_loads and not straight else 1
        for rows in range(1, oh + 1):
            floats = planes * (rows + ky[-1] // a["sh"]) * pitch
            if rows > 1 and floats > MOST:
                break
            found.append(_priced(op, lanes, kept * product, starts, phases, pitch, rows, planes))
    return min(found, key=lambda win: win.cost)


def _priced(op, lanes, kept, starts, phases, pitch, rows, planes):
    a, (oh, ow) = op.attrs, op.outputs[0].shape[2:]
    plane_rows = rows + (a["kh"] - 1) * a["dh"] // a["sh"]
    blocks, rest = divmod(oh, rows)
    vectors = _vectors(rows, ow, pitch, lanes) * blocks + _vectors(rest, ow, pitch, lanes)
    copied = (blocks * plane_rows + (plane_rows - rows + rest if rest else 0)) * planes * -(-pitch // lanes)
    if a["sw"] > 2:
        copied *= lanes
    return Window(False, pitch, rows, plane_rows, starts, phases, planes * plane_rows * pitch + lanes,
                  kept * vectors + COPY * copied)


def _vectors(rows, ow, pitch, lanes):
    return -(-rows * ow // lanes) if pitch == ow else rows * -(-ow // lanes)
