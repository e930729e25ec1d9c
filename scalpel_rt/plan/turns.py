"""Many images, a few at a time.

Sixteen images of a large net touch more memory than caches hold: each step would find what the last one wrote in slow
memory only. So what treats images one by one runs on a few of them from the first step to the last, then on the next
few. What follows runs on all: fully connected layers, whose weights are better read once, and what mixes images.
"""

import copy
import math
from dataclasses import dataclass

import numpy as np

from ..errors import ShapeError
from ..notebook import plan_part
from ..runtime import _plan
from . import memory
from .spec import Program, Value

#: Their sizes where nobody knows them.
L2, L3 = 256 << 10, 16 << 20
#: Share of the third cache that the values of a turn may take; the rest is for weights, and for other processes.
OF_L3 = 1 / 3
#: How many times the second cache they may be in any case: what is smaller is not worth a turn, and a second thread
#: finds too little to do.
OF_L2 = 4
#: Least share of the time that threads must have a turn to do, and most of the third cache that their values may take,
#: for turns to be done side by side.
BUSY, BESIDE_OF_L3 = 0.8, 0.75


@dataclass(frozen=True)
class Turns:
    """A program in two: ``front`` runs ``count`` times, each time on ``images`` of the ``n`` images; ``rest``, where it
    is not None, on all.

    ``reads`` and ``makes`` are the values of the program that the front's inputs and outputs are parts of. What the
    front has not made of the program's outputs the rest gives, in their order. ``nbytes`` is what the values of a turn
    take.
    """

    front: Program
    rest: Program | None
    reads: tuple
    makes: tuple
    n: int
    images: int
    nbytes: int

    @property
    def count(self):
        """How many turns there are. The last one begins early enough to have as many images as the others."""
        return math.ceil(self.n / self.images)


def in_turns(program, machine):
    """The Turns of a program, or None where all images at once are as good, or there is one only."""
    n = program.inputs[0].shape[0] if program.inputs and program.inputs[0].shape else 0
    if n < 2:
        return None
    front, rest, apart = [], [], {v for v in program.inputs if _divisible(v, n)}
    for op in program.ops:
        if op.inputs and apart.issuperset(op.inputs) and _one_by_one(op, n, machine):
            front.append(op)
            apart.update(op.outputs)
        else:
            rest.append(op)
    images, each = _images(front, program.inputs, n, machine)
    if images == n:
        return None
    parts = {v: Value(v.name, (v.shape[0] // n * images, *v.shape[1:])) for v in apart}
    reads = tuple(v for v in program.inputs if any(v in op.inputs for op in front))
    wanted = {v for op in rest for v in op.inputs}.union(program.outputs)
    makes = tuple(v for op in front for v in op.outputs if v in wanted)
    later = tuple(v for v in program.outputs if v not in makes)
    return Turns(Program(tuple(_part(op, parts, n, images) for op in front), tuple(parts[v] for v in reads),
                         tuple(parts[v] for v in makes)),
                 Program(tuple(rest), tuple(v for v in (*program.inputs, *makes) if v in wanted), later)
                 if rest or later else None, reads, makes, n, images, images * each)


def _images(front, inputs, n, machine):
    """(how many images a turn of the operations ``front`` should take, the bytes of one's values); all ``n`` where
    turns are not worth it.

    As many as have values in the third cache, but no more than weigh as much as the weights, which every turn reads:
    beyond that there is little left to save, while the values leave the second cache, too. All turns take as many, or
    the last one would need a plan of its own, so that fewer are better where they come out even. Threads do not count,
    or their number would change last bits.
    """
    ops = list(memory.split_copies(front))
    values = 4 * memory.lay_out(ops, inputs, (), {}).size // n
    if values == 0 or all(op.kind == "view" for op in ops):
        return n, 0
    least, most = int(OF_L2 * (machine.l2 or L2) / values), int(OF_L3 * (machine.l3 or L3) / values)
    if n < 2 * least:
        return n, values
    weights = 4 * sum(np.count_nonzero(w) for op in ops for w in op.weights.values())
    most = min(n, max(1, least, min(most, math.ceil(weights / values))))
    return min(range(most // 2 + 1, most + 1), key=lambda k: (math.ceil(n / k) * k, -k)), values


def _divisible(value, n):
    """Whether a value is ``n`` equal parts one after the other, as far as its shape says."""
    return bool(value.shape) and value.shape[0] > 0 and value.shape[0] % n == 0


def _one_by_one(op, n, machine):
    """Whether part i of each output comes from part i of each input alone, with no weights that are worth reading for
    all at once."""
    if not all(_divisible(v, n) for v in (*op.inputs, *op.outputs)):
        return False
    if op.kind == "fc":
        return op.weights["w"].nbytes <= (machine.l2 or L2)
    return op.kind != "copy" or all(_along(part, op, n) is not None for part in op.attrs["parts"])


def _along(part, op, n):
    """Which of the loops of a part of a copy goes from image to image; None: the part mixes them."""
    dims, sides = part["dims"], ((op.inputs[part["input"]], part["x_strides"], part["x_offset"]),
                                 (op.outputs[0], part["y_strides"], part["y_offset"]))
    for j, d in enumerate(dims):
        if d % n == 0 and all(strides[j] * (d // n) == v.size // n and _within(dims, strides, offset, j, n, v.size // n)
                              for v, strides, offset in sides):
            return j
    return None


def _within(dims, strides, offset, j, n, size):
    """Whether the first of ``n`` parts of loop ``j``, with all other loops, stays within ``size`` elements."""
    steps = [((d // n if i == j else d) - 1) * s for i, (d, s) in enumerate(zip(dims, strides, strict=True))]
    return 0 <= offset + sum(s for s in steps if s < 0) and offset + sum(s for s in steps if s > 0) < size


def _part(op, parts, n, images):
    """An operation of the front for so many ``images`` of ``n``."""
    attrs = op.attrs
    if op.kind == "copy":
        made = []
        for part in attrs["parts"]:
            j, dims = _along(part, op, n), list(part["dims"])
            dims[j] = dims[j] // n * images
            made.append({**part, "dims": tuple(dims)})
        attrs = {"parts": tuple(made)}
    return op.with_(inputs=tuple(parts[v] for v in op.inputs), outputs=tuple(parts[v] for v in op.outputs), attrs=attrs)


class PlanInTurns:
    """Runs Turns; it has the face of :class:`_plan.Plan`.

    Parameters
    ----------
    turns : Turns
    program : Program
        The one that they were made of.
    n_outputs : int
        The first so many of its outputs are what a run gives, the others are kept for :meth:`value`.
    front, rest : Plan
        For the two programs of ``turns``; the rest gives what the run gives of it, and keeps what is left.
    side_by_side : int
        How many turns are done at a time, see :func:`side_by_side`.
    """

    def __init__(self, turns, program, n_outputs, front, rest, side_by_side):
        self._values = program.inputs, program.outputs[:n_outputs], program.outputs[n_outputs:]
        self.inputs, self.outputs, self.kept = (tuple(_plan.Slot(v.name, v.shape, None) for v in values)
                                                for values in self._values)
        self._reads, self._makes, self._later = turns.reads, turns.makes, turns.rest.inputs if turns.rest else ()
        self._n, self._images, self._count = turns.n, turns.images, turns.count
        self._rest = rest
        self._own_memory(front, side_by_side)

    def _own_memory(self, front, side_by_side):
        self._crew = _plan.Crew(front, self._images, side_by_side)
        self._made = {v: np.zeros(v.shape, np.float32) for v in self._makes}
        self._lock = _plan.RunLock()

    @property
    def plans(self):
        """The Plans that it is made of, copies not counted."""
        return (self._crew.plans[0], self._rest) if self._rest else (self._crew.plans[0],)

    def run(self, *arrays, out=None):
        """As :meth:`_plan.Plan.run`."""
        results = self.run_all(*arrays, out=out)
        return results[0] if len(results) == 1 else results

    def run_all(self, *arrays, out=None):
        """As :meth:`run`, but always a tuple."""
        return self._run(arrays, out)[0]

    def timed(self, *arrays, out=None):
        """Run once and say how long everything took: [(row of :meth:`explain`, ns)], all turns of a step together. Of
        turns that are done side by side, their sum over how many that are."""
        _, ns = self._run(arrays, out, timed=True)
        return list(zip(self.explain(), ns, strict=True))

    def time(self, *arrays):
        """Run once and say how long each step took, as :meth:`timed`: int64 nanoseconds."""
        return np.array(self._run(arrays, None, timed=True)[1], np.int64)

    def value(self, name):
        """A copy of what an output or a kept blob (or its name) held after the last run; KeyError for others."""
        name = getattr(name, "name", name)
        for value in self._makes:
            if value.name == name and (value in self._values[1] or value in self._values[2]):
                with self._lock:
                    return self._made[value].copy()
        if self._rest is None:
            raise KeyError(name)
        return self._rest.value(name)

    def clone_state(self):
        """Another plan over the same steps and weights, with its own memory: for another thread to run."""
        twin = copy.copy(self)
        twin._rest = self._rest and self._rest.clone_state()
        twin._own_memory(self._crew.plans[0].clone_state(), len(self._crew.plans))
        return twin

    def explain(self):
        """One row for each step (see scalpel_rt.plan.explain.Row), of all its turns together."""
        front, *_ = self.plans
        rows = [row.repeated(self._count, row.shape[0] // self._images * self._n, len(self._crew.plans))
                for row in front.explain()]
        return rows + (self._rest.explain() if self._rest else [])

    def _repr_html_(self):
        return plan_part(self)

    def _run(self, arrays, out, timed=False):
        """(the outputs, [ns of each step] or None)."""
        inputs, outputs, _ = self._values
        if len(arrays) != len(inputs):
            raise ShapeError(f"the plan takes {len(inputs)} array(s) ({', '.join(v.name for v in inputs)}), "
                             f"not {len(arrays)}")
        wholes = {v: _plan.converted(array, slot) for v, slot, array in zip(inputs, self.inputs, arrays, strict=True)}
        results, ns = _plan.results(self.outputs, out), []
        with self._lock:
            wholes.update(self._made)
            seen = self._crew.run([wholes[v] for v in self._reads], list(self._made.values()), self._n, timed)
            if timed:
                stamps, who = seen
                ns += ((stamps[..., 1] - stamps[..., 0]).sum(0) // len(set(who.tolist()))).tolist()
            if self._rest:
                given = [wholes[v] for v in self._later]
                into = [result for v, result in zip(outputs, results, strict=True) if v not in self._made]
                if timed:
                    ns += [taken for _, taken in self._rest.timed(*given, out=into)]
                else:
                    self._rest.run_all(*given, out=into)
            for value, result in zip(outputs, results, strict=True):
                if value in self._made:
                    result[...] = self._made[value]
        return results, ns if timed else None


def side_by_side(turns, threads, machine):
    """How many turns to do at a time; 1: the steps themselves are cut into parts.

    Turns that are done side by side need no barrier after each step, but come out even only if there are enough, and
    the values of all of them have to lie in the third cache.
    """
    busy = turns.count / (threads * math.ceil(turns.count / threads))
    together = min(threads, turns.count)
    return together if busy >= BUSY and together * turns.nbytes <= BESIDE_OF_L3 * (machine.l3 or L3) else 1
