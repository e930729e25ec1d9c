"""Instruction-set levels and the other facts about this machine that planning needs.

Three words, three functions: a level is *built in* when this build holds its kernels, *runnable* when processor and
operating system carry it too, and *active* when plans use it: the highest runnable one, unless
``Options(isa=...)`` or the environment variable ``SCALPEL_ISA`` names another.
"""

import functools
import os
from dataclasses import dataclass

from .errors import OptionsError
from .runtime import _kernels

#: Lowest first; a plan of one level may use the kernels of those before it.
LEVELS = tuple(name for name, _ in _kernels.levels())

#: float32 lanes of a vector
LANES = {"scalar": 1, "sse41": 4, "avx2": 8, "avx512": 16}


def built_in():
    """The levels that this build holds, lowest first."""
    return tuple(name for name, built in _kernels.levels() if built)


@functools.cache
def runnable():
    """The levels that this build holds and this machine can run, lowest first."""
    highest = _cpu()["level"]
    return tuple(name for name in built_in() if LEVELS.index(name) <= highest)


def active(isa=None):
    """The level that a plan uses: ``isa`` if given, else ``SCALPEL_ISA`` if set, else the highest runnable one.

    OptionsError for a name that does not exist or cannot run here.
    """
    source = "isa"
    if isa is None:
        isa, source = os.environ.get("SCALPEL_ISA") or None, "SCALPEL_ISA"
    if isa is None:
        return runnable()[-1]
    if isa not in LEVELS:
        raise OptionsError(f"{source}={isa!r}: no such instruction set; there are {', '.join(LEVELS)}")
    if isa not in built_in():
        raise OptionsError(f"{source}={isa!r}: this build does not hold it; it holds {', '.join(built_in())}")
    if isa not in runnable():
        raise OptionsError(f"{source}={isa!r}: this machine cannot run it; it can run {', '.join(runnable())}")
    return isa


def up_to(isa):
    """The levels whose kernels a plan of level ``isa`` may use, lowest first."""
    return LEVELS[: LEVELS.index(isa) + 1]


@dataclass(frozen=True)
class Machine:
    """Facts about this machine.

    Attributes
    ----------
    name : str
        The processor, enough to tell two machines apart that would be planned for differently.
    isa : str
        Highest runnable level.
    cores : int
        Cores that this process may use.
    l1d, l2, l3 : int
        Bytes of data cache that one core sees; 0 = unknown or none.
    quirks : frozenset of str
        "half_rate_512": a 512-bit multiply-add takes the time of two 256-bit ones (Zen 4);
        "slow_gather": a gather is no faster than loads one by one (AMD).
    """

    name: str
    isa: str
    cores: int
    l1d: int
    l2: int
    l3: int
    quirks: frozenset

    def flops(self, isa=None):
        """Rough peak of one core in float operations per nanosecond, to weigh kernels of different levels."""
        per_cycle = {"scalar": 4, "sse41": 16, "avx2": 32, "avx512": 32 if "half_rate_512" in self.quirks else 64}
        return 3.6 * per_cycle[isa or self.isa]

    def bandwidth(self, nbytes):
        """Rough bytes per nanosecond at which one core streams ``nbytes`` again and again."""
        for size, rate in ((self.l1d, 200.0), (self.l2, 100.0), (self.l3, 50.0)):
            if nbytes <= size:
                return rate
        return 25.0


@functools.cache
def machine():
    """The Machine that this process runs on; asked once."""
    cpu = _cpu()
    amd = cpu["vendor"] in ("AuthenticAMD", "HygonGenuine")
    quirks = {"slow_gather"} if amd else set()
    if amd and cpu["family"] == 0x19:
        quirks.add("half_rate_512")
    name = f"{cpu['brand'] or cpu['vendor'] or 'unknown'} {cpu['family']:x}-{cpu['model']:x}-{cpu['stepping']:x}"
    return Machine(name, runnable()[-1], usable_cores(), cpu["l1d"], cpu["l2"], cpu["l3"], frozenset(quirks))


def usable_cores():
    """Cores that this process may use now: its affinity, where the system knows such a thing."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@functools.cache
def _cpu():
    return _kernels.cpu()
