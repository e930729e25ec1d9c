"""What this machine can do at best: multiply-adds of each instruction set, and reading from each level of its memory.

Measured by the probe kernels (src_c/kernels/*/probe_*), run as a plan runs its steps, and remembered beside what
:mod:`scalpel_rt.plan.tune` measures. The best of several tries counts: disturbances only make things slower.
"""

import math
import re
from dataclasses import dataclass, field

import numpy as np

from .. import isa
from ..plan.cache import build, digest, open_cache
from ..plan.forms import packed
from ..runtime import _kernels, _plan

ROUNDS = 8
TRY_NS = 4e6                # a try lasts so long, about
FMA_FLOATS = 192            # a whole number of register tiles for every instruction set
_NAME = re.compile(r"(fma|read) \w+ [1-9]\d{0,4}")      # of a rate, as _measure makes them
DRAM_BYTES = 64 << 20, 256 << 20    # least and most that is read to see the speed of memory


@dataclass(frozen=True)
class Peaks:
    """The best that this machine has shown.

    Attributes
    ----------
    machine : scalpel_rt.isa.Machine
    flops : {instruction set: {threads: GFLOP/s}}
        float32; a multiply-add is two.
    reading : {"L1", "L2", "L3", "DRAM": {threads: GB/s}}
        Of all threads together, each with its own data. A level that the processor does not report is not there.
    """

    machine: isa.Machine
    flops: dict = field(default_factory=dict)
    reading: dict = field(default_factory=dict)

    def gflops(self, level=None, threads=1):
        """GFLOP/s at an instruction set (None = the highest of this machine)."""
        return _at(self.flops[level or self.machine.isa], threads)

    def level(self, nbytes, threads=1):
        """Which level of memory holds ``nbytes`` that ``threads`` read, each its share."""
        m = self.machine
        for name, holds in (("L1", threads * m.l1d), ("L2", threads * m.l2), ("L3", m.l3)):
            if name in self.reading and nbytes <= holds:
                return name
        return "DRAM"

    def gbs(self, nbytes, threads=1):
        """GB/s at which ``threads`` read ``nbytes`` again and again."""
        return _at(self.reading[self.level(nbytes, threads)], threads)

    def as_dict(self):
        """For JSON: facts about the processor, GFLOP/s and GB/s as in the attributes."""
        m = self.machine
        return {"name": m.name, "isa": m.isa, "levels": list(self.flops), "cores": m.cores, "l1d": m.l1d, "l2": m.l2,
                "l3": m.l3, "quirks": sorted(m.quirks), "gflops": _text_keys(self.flops),
                "gbs": _text_keys(self.reading)}


def peaks(fresh=False):
    """The Peaks of this machine: measured in about a second, and remembered; ``fresh`` measures again."""
    machine = isa.machine()
    cores = isa.usable_cores()
    cache, key = open_cache(machine), digest(repr((build(), "peaks", cores)))
    known = {} if fresh else cache.get(key)
    if not known or not all(_NAME.fullmatch(name) for name in known):
        known = _measure(machine, sorted({1, cores}))
        cache.put(key, known)
        cache.save()
    flops, reading = {}, {}
    for name in known:
        kind, what, threads = name.split()
        (flops if kind == "fma" else reading).setdefault(what, {})[int(threads)] = known[name]
    return Peaks(machine, flops, reading)


def _measure(machine, counts):
    """{"fma avx2 1": units of work in a nanosecond}, and so for "read L3 2": the best of several rounds over all, so
    that what disturbs for a while does not meet every try of one."""
    sizes = {n: _sizes(machine, n) for n in counts}
    x = packed(max([n * FMA_FLOATS for n in counts] + [n * size // 4 for n in counts for size in sizes[n].values()]))
    x[...] = 1.0
    probes = {}
    for n in counts:
        for level in isa.runnable():
            probes[f"fma {level} {n}"] = Probe(probe_kernel("fma", level), x, n, FMA_FLOATS, 2)
        for name, nbytes in sizes[n].items():
            probes[f"read {name} {n}"] = Probe(probe_kernel("read", machine.isa), x, n, nbytes // 4, 4)
    for _ in range(ROUNDS):
        for probe in probes.values():
            probe.run()
    return {name: probe.best for name, probe in probes.items()}


class Probe:
    """A probe kernel over ``threads`` rows of ``k`` floats, each row the work of one thread and repeated until it takes
    a while; ``best`` is the most work done in a nanosecond, where a float is ``work``."""

    def __init__(self, kernel, x, threads, k, work):
        self._kernel, self._x, self._threads, self._k, self._work = kernel, x, threads, k, work
        self._repeats, self.best = 1, 0.0
        self._plan = self._make()
        while (ns := min(self.run() for _ in range(3))) < TRY_NS / 2:    # of three: one may be disturbed
            self._repeats = math.ceil(self._repeats * TRY_NS / max(ns, TRY_NS / 1000))
            self._plan = self._make()

    def run(self):
        """Nanoseconds of one run."""
        ns = max(int(self._plan.time()[0]), 1)
        self.best = max(self.best, self._work * self._threads * self._k * self._repeats / ns)
        return ns

    def _make(self):
        args = {"x": self._x, "rows": self._threads, "k": self._k, "repeats": self._repeats, "a": 0.999, "b": 0.001}
        step = _plan.Step("probe", self._kernel, args, {"y": 0}, self._threads, 0.0)
        return _plan.Plan(_plan.Steps([step], 4 * self._threads * self._k if self._kernel.form == "fma"
                                      else 4 * self._threads, (), ()))


def _sizes(machine, threads):
    """{level: bytes that each thread reads}: well inside it, and well beyond the one before."""
    least, most = DRAM_BYTES
    sizes = {"L1": machine.l1d // 2, "L2": machine.l2 // 2, "L3": max(machine.l3 // 4 // threads, 2 * machine.l2)}
    sizes = {name: size for name, size in sizes.items() if getattr(machine, name.lower().replace("l1", "l1d"))}
    return {**sizes, "DRAM": max(least, min(8 * machine.l3, most), 2 * machine.l3) // threads}


def probe_kernel(form, level):
    """The Kernel of a form ("fma" or "read") and an instruction set."""
    return next(k for k in _kernels.kernels() if (k.kind, k.form, k.isa) == ("probe", form, level))


def _at(rates, threads):
    """Between the counts of threads that were measured, in a straight line; beyond, the nearest."""
    return float(np.interp(threads, sorted(rates), [rates[n] for n in sorted(rates)]))


def _text_keys(table):
    return {name: {str(threads): round(rate, 3) for threads, rate in rates.items()} for name, rates in table.items()}
