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
#: What copying a row and a vector costs, in multiply-adds of a vector.
COPY_ROW, COPY = 35.0, 10.0
#: What a product costs whose pixels may cross a cache line, where loads are the bound: by lanes (16 fill a line).
CROSSING = {1: 1.0, 4: 1.2, 8: 1.2, 16: 2.0}
#: What a tile costs beside its products: for each weight, and for each output channel.
TILE_WEIGHT, TILE_CHANNEL = 0.1, 6.0


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

    def table(self, op):
        """The struct for the kernel."""
        reach = int(self.offsets(op).max())
        return np.array([self.direct, reach, self.pitch, self.rows, self.plane_rows, len(self.starts), len(self.phases),
                         *self.starts, *self.phases], np.int32)

    def offsets(self, op):
        """The place of every weight k = (channel, ky, kx) of a convolution group in the window, (K,) int64."""
        a = op.attrs
        _, c, h, w = op.inputs[0].shape
        channel = np.arange(c // a["group"])[:, None, None]
        ky, kx = np.arange(a["kh"])[:, None] * a["dh"], np.arange(a["kw"]) * a["dw"]
        if self.direct:
            return ((channel * h + ky) * w + kx).reshape(-1)
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
    m, oh, ow = op.outputs[0].shape[1:]
    ky, kx = [k * a["dh"] for k in range(a["kh"])], [k * a["dw"] for k in range(a["kw"])]
    phases = tuple(sorted({y % a["sh"] for y in ky}))
    reach_rows = ky[-1] // a["sh"]
    each, few = tuple(x - a["pw"] for x in kx), tuple(sorted({x % a["sw"] - a["pw"] for x in kx}))

    def priced(direct, starts, pitch, rows):
        blocks, rest = divmod(oh, rows)
        planes = 0 if direct else c // a["group"] * len(starts) * len(phases)
        copied_rows = blocks * (rows + reach_rows) + (rest + reach_rows if rest else 0)
        copying = planes * copied_rows * (COPY_ROW + COPY * -(-pitch // lanes) * {1: 1, 2: 2}.get(a["sw"], lanes))
        vectors, tiles = 0, 0
        for count, size in ((blocks, rows), (1, rest)):
            found = -(-size * ow // lanes) if pitch == ow else size * -(-ow // lanes)
            vectors += count * found
            tiles += count * -(-found // kernel.tile_n)
        straight = pitch % lanes == 0 and (a["kw"] == 1 if direct else starts == each)
        product = CROSSING[lanes] if bound_by_loads and not straight else 1.0
        cost = kept * vectors * product + tiles * (TILE_WEIGHT * kept + TILE_CHANNEL * m / a["group"]) + copying
        floats = planes * (rows + reach_rows) * pitch
        return Window(direct, pitch, rows, rows + reach_rows, starts, phases, floats + lanes if floats else 0, cost)

    found = []
    if (a["sh"], a["sw"], a["ph"], a["pw"]) == (1, 1, 0, 0):
        found.append(priced(True, (), w, oh))
    kinds = [(each, ow), (few, ow + kx[-1] // a["sw"])]
    if bound_by_loads:
        kinds.append((each, -(-ow // lanes) * lanes))
    for starts, pitch in kinds:
        for rows in range(1, oh + 1):
            win = priced(False, starts, pitch, rows)
            if rows > 1 and win.floats > MOST:
                break
            found.append(win)
    return min(found, key=lambda win: win.cost)
