"""Where every value lives: one arena, used again and again.

Three ways to need no memory, or no work, at all:

* a view is the memory of what it looks at;
* a concatenation whose parts are written straight into it is no copy (the parts then lie inside it, and where a batch
  has several images, convolutions and poolings skip from one image to the next by strides of the whole);
* an element-wise operation writes over its input when nobody needs that any more.

What is left gets addresses by the greedy rule "largest first, lowest gap that is free for its whole life" (Pisarchyk
and Lee, "Efficient memory management for deep neural net inference", 2020).
"""

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

ALIGN = 16                              # floats: 64 bytes
IN_PLACE = ("unary", "affine", "eltwise", "broadcast", "softmax", "mvn", "norm")
STRIDED = ("conv", "deconv", "pool")    # kinds whose kernels take the distance from one image to the next
FOREVER = 1 << 60


@dataclass
class Layout:
    """The result: places in the arena, all in floats.

    ``offset`` of every value; ``stride`` from one image to the next; ``scratch`` offsets, by position of the
    operation; ``work``: positions of the operations that are still to be run; ``size`` of the arena.
    """

    offset: dict = field(default_factory=dict)
    stride: dict = field(default_factory=dict)
    scratch: dict = field(default_factory=dict)
    work: list = field(default_factory=list)
    size: int = 0


def lay_out(ops, inputs, outputs, scratch):
    """Place all values of ``ops`` (copies of one part each, see :func:`split_copies`); returns a Layout.

    ``scratch``: floats that each operation needs for itself, by position, where not 0.
    """
    places = _Places(ops, inputs, outputs)
    for t, op in enumerate(ops):
        if op.kind == "copy":
            places.write_into_whole(t, op)
    for t, op in enumerate(ops):
        if op.kind in IN_PLACE:
            places.write_in_place(t, op)
    return places.layout(scratch)


def split_copies(ops):
    """The same operations with a copy for each part; several of them then write one value."""
    for op in ops:
        if op.kind != "copy":
            yield op
            continue
        [y] = op.outputs
        if y.size == 0:
            yield op.with_(kind="fill", inputs=(), attrs={}, weights={"value": np.empty(y.shape, np.float32)})
        for part in op.attrs["parts"]:
            if 0 not in part["dims"]:
                yield op.with_(inputs=(op.inputs[part["input"]],), attrs={"parts": ({**part, "input": 0},)})


class _Places:
    """Values grouped in blocks. A block holds values at fixed offsets; it is what gets an address in the end."""

    def __init__(self, ops, inputs, outputs):
        self.ops, self.inputs, self.outputs = ops, set(inputs), set(outputs)
        self.block, self.members = {}, defaultdict(dict)    # value -> block; block -> {value: offset}
        self.born, self.dies, self.stride = {}, {}, {}
        self.writers, self.readers = defaultdict(list), defaultdict(list)
        self.constants = {op.outputs[0] for op in ops if op.kind == "fill"}
        self.gone = set()
        self.living = {}                # block -> those of its values that may still be needed
        for value in inputs:
            self._add(value, -1)
        for t, op in enumerate(ops):
            for value in op.inputs:
                self.dies[value] = t
                self.readers[value].append(t)
            for value in op.outputs:
                if op.kind == "view":
                    self._add(value, t, op.inputs[0])
                elif value not in self.block:
                    self._add(value, t)
                self.writers[value].append(t)
            if op.kind in ("view", "fill"):
                self.gone.add(t)
        for value in outputs:
            self.dies[value] = FOREVER
        for value in self.constants:
            self.born[value], self.dies[value] = -1, FOREVER

    def _add(self, value, t, of=None):
        self.born[value] = self.dies[value] = t
        self.stride[value] = value.size // value.shape[0] if value.shape and value.shape[0] else 0
        block = value if of is None else self.block[of]
        self.block[value] = block
        self.members[block][value] = 0 if of is None else self.members[block][of]

    def whole(self, value):
        """Whether ``value`` is its block, from end to end."""
        block = self.block[value]
        return self.members[block][value] == 0 and value.size == block.size

    def needed(self, value, t):
        """Whether anything that shares an element with ``value`` is read after ``t``, which never falls from one call
        to the next. Strided images count as all that lies between them."""
        block = self.block[value]
        members = self.members[block]
        living = self.living[block] = [v for v in self.living.get(block, members) if self.dies[v] > t]
        low, high = members[value], members[value] + self._span(value)
        return any(members[v] < high and low < members[v] + self._span(v) for v in living)

    def _span(self, value):
        n = value.shape[0] if value.shape else 1
        return value.size if n <= 1 else (n - 1) * self.stride[value] + value.size // n

    def merge(self, value, into, offset):
        """The whole block of ``value`` now lies ``offset`` behind the begin of the value ``into``."""
        source, target = self.block[value], self.block[into]
        offset += self.members[target][into]
        if target in self.living:
            self.living[target] += self.living.pop(source, self.members[source])
        for member, start in self.members.pop(source).items():
            self.block[member] = target
            self.members[target][member] = start + offset

    # -- concatenation -----------------------------------------------------------------------------------------

    def write_into_whole(self, t, op):
        """Let the input of a copy be written where the copy would put it, and leave out the copy."""
        [x], [y], [part] = op.inputs, op.outputs, op.attrs["parts"]
        if self.block[x] is self.block[y] or not self.whole(x) or part["x_offset"] != 0:
            return
        dims, xs, ys = part["dims"], part["x_strides"], part["y_strides"]
        if dims == (x.size,) and xs == ys == (1,):
            self.merge(x, y, part["y_offset"])
        elif (len(dims) == 2 and dims[0] * dims[1] == x.size and xs == (dims[1], 1) and ys[1] == 1
                and y.shape[0] == dims[0] and ys[0] * dims[0] == y.size and self._can_stride(x, dims[0], t)):
            for value in self.members[self.block[x]]:
                self.stride[value] = self.stride[y]
            self.merge(x, y, part["y_offset"])
        else:
            return
        self.gone.add(t)

    def _can_stride(self, x, n, t):
        """Whether all who write and read the block of ``x``, but the copy at ``t``, can skip from image to image."""
        fixed = self.inputs | self.outputs | self.constants
        for value in self.members[self.block[x]]:
            if value in fixed or value.shape[:1] != (n,) or self.stride[value] != self.stride[x]:
                return False
            users = [i for i in self.writers[value] + self.readers[value] if i != t and i not in self.gone]
            if any(self.ops[i].kind not in STRIDED or len(self.ops[i].outputs) > 1 for i in users):
                return False
        return True

    # -- in place ----------------------------------------------------------------------------------------------

    def write_in_place(self, t, op):
        """Let an element-wise operation write over an input that dies with it."""
        y = op.outputs[0]
        for x in op.inputs:
            if self.block[x] is self.block[y] or x.size != y.size:
                continue
            if self.needed(x, t):
                continue
            if self.whole(y):
                self.merge(y, x, 0)
                return
            if self.whole(x):           # y lies in a concatenation, where nothing but y is written before it is read
                self.merge(x, y, 0)
                return

    # -- addresses ---------------------------------------------------------------------------------------------

    def layout(self, scratch):
        wanted = []                     # (floats, first, last, what)
        for block, members in self.members.items():
            first, last = min(self.born[v] for v in members), max(self.dies[v] for v in members)
            wanted.append((block.size, first, last, block))
        wanted += [(size, t, t, t) for t, size in scratch.items() if size and t not in self.gone]
        wanted = [(-(-size // ALIGN) * ALIGN, *rest) for size, *rest in wanted]
        result, taken = Layout(), _Taken(len(wanted))
        for size, first, last, what in sorted(wanted, key=lambda w: -w[0]):
            begin = taken.place(size, first, last)
            result.size = max(result.size, begin + size)
            if isinstance(what, int):
                result.scratch[what] = begin
            else:
                result.offset.update((v, begin + start) for v, start in self.members[what].items())
        result.stride = self.stride
        result.work = [t for t in range(len(self.ops)) if t not in self.gone]
        return result


class _Taken:
    """What is taken of the arena, and when: rows of begin, end, first and last operation, ascending by begin."""

    def __init__(self, most):
        self.rows = np.empty((4, most), np.int64)
        self.count = 0

    def place(self, size, first, last):
        """Take ``size`` floats for a life from ``first`` to ``last``, in the lowest gap; returns where it begins."""
        rows = self.rows[:, : self.count]
        begins, ends = rows[:2, (rows[2] <= last) & (first <= rows[3])]
        reached = np.maximum.accumulate(np.concatenate(([0], ends)))    # up to where all before is taken
        gaps = begins >= reached[:-1] + size
        begin = reached[np.argmax(gaps) if gaps.any() else -1]
        at = np.searchsorted(rows[0], begin)
        self.rows[:, at + 1 : self.count + 1] = rows[:, at:].copy()
        self.rows[:, at] = begin, begin + size, first, last
        self.count += 1
        return int(begin)
