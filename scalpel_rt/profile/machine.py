"""What this machine can do at best: multiply-adds of each instruction set, and reading from each level of its memory.

Measured by the probe kernels (src_c/kernels/*/probe_*), run as a plan runs its steps, and remembered beside what
:mod:`scalpel_rt.plan.tune` measures. The best of several tries counts: disturbances only make things slower.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from .. import isa
from ..plan.cache import build, digest, open_cache
from ..plan.forms import packed
from ..runtime import _kernels, _plan

TRIES = 6
TRY_NS = 4e6                # a try lasts so long, about
FMA_FLOATS = 192            # a whole number of register tiles for every instruction set
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
    wanted = _wanted(machine, sorted({1, cores}))
    if not set(wanted) <= set(known):
        known = {name: measure() for name, measure in wanted.items()}
        cache.put(key, known)
        cache.save()
    flops, reading = {}, {}
    for name in wanted:
        kind, what, threads = name.split()
        (flops if kind == "fma" else reading).setdefault(what, {})[int(threads)] = known[name]
    return Peaks(machine, flops, reading)


def _wanted(machine, counts):
    """{"fma avx2 1": function that measures it}, and so for "read L3 2"."""
    jobs = {f"fma {level} {n}": lambda level=level, n=n: _rate(_kernel("fma", level), n, FMA_FLOATS, 2 * FMA_FLOATS)
            for level in isa.runnable() for n in counts}
    read = _kernel("read", machine.isa)
    for n in counts:
        for name, nbytes in _sizes(machine, n).items():
            jobs[f"read {name} {n}"] = lambda n=n, nbytes=nbytes: _rate(read, n, nbytes // 4, nbytes // 4 * 4)
    return jobs


def _sizes(machine, threads):
    """{level: bytes that each thread reads}: well inside it, and well beyond the one before."""
    least, most = DRAM_BYTES
    sizes = {"L1": machine.l1d // 2, "L2": machine.l2 // 2, "L3": max(machine.l3 // 4 // threads, 2 * machine.l2)}
    sizes = {name: size for name, size in sizes.items() if getattr(machine, name.lower().replace("l1", "l1d"))}
    return {**sizes, "DRAM": max(least, min(8 * machine.l3, most), 2 * machine.l3) // threads}


def _kernel(form, level):
    return next(k for k in _kernels.kernels() if (k.kind, k.form, k.isa) == ("probe", form, level))


def _rate(kernel, threads, k, work):
    """Units of ``work`` (of one row, once) in a nanosecond, over as many rows of ``k`` floats as there are threads."""
    x = packed((threads, k))
    x[...] = 1.0
    repeats = 1
    while True:
        plan = _probe(kernel, x, threads, repeats)
        ns = min(int(plan.time()[0]) for _ in range(2))
        if ns > TRY_NS / 2:
            break
        repeats = math.ceil(repeats * TRY_NS / max(ns, TRY_NS / 1000))
    best = min([ns] + [int(plan.time()[0]) for _ in range(TRIES)])
    return work * threads * repeats / best


def _probe(kernel, x, threads, repeats):
    args = {"x": x, "rows": threads, "k": x.shape[1], "repeats": repeats, "a": 0.999, "b": 0.001}
    step = _plan.Step("probe", kernel, args, {"y": 0}, threads, 0.0)
    return _plan.Plan(_plan.Steps([step], x.nbytes if kernel.form == "fma" else 4 * threads, (), ()))


def _at(rates, threads):
    """Between the counts of threads that were measured, in a straight line; beyond, the nearest."""
    return float(np.interp(threads, sorted(rates), [rates[n] for n in sorted(rates)]))


def _text_keys(table):
    return {name: {str(threads): round(rate, 3) for threads, rate in rates.items()} for name, rates in table.items()}
