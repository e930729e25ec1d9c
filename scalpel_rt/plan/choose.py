"""Which of the legal kernels does an operation, and why: by estimate, or by measurement (:mod:`.tune`)."""

from collections import namedtuple

from .. import isa
from ..errors import UnsupportedError
from .candidates import candidates

#: What was decided for one operation. ``costs``: {symbol: estimated or measured ns on one thread}; ``illegal``:
#: {symbol: reason}; ``measured``: whether ``costs`` are measurements.
Choice = namedtuple("Choice", "op kernel form ns costs illegal measured")

CALL_NS = 30.0          # the least that any step takes


def choose(op, level, options, machine, measure=None):
    """A Choice among the kernels up to the instruction set ``level``.

    ``measure(op, legal)``, if given, maps a list of legal candidates to a list of nanoseconds; else
    :func:`estimate` does. Where two cost the same, the higher instruction set is taken, then the one listed first.
    UnsupportedError when no kernel can do it.
    """
    found = candidates(op, level, options)
    legal = [c for c in found if c.illegal is None]
    illegal = {c.kernel.symbol: c.illegal for c in found if c.illegal is not None}
    if not legal:
        reasons = "; ".join(f"{symbol}: {why}" for symbol, why in illegal.items()) or "there is none of its kind"
        raise UnsupportedError(f"no kernel can do the {op.kind} of {op.name!r} ({reasons})")
    measured = measure is not None and len(legal) > 1
    costs = measure(op, legal) if measured else [estimate(op, c, machine) for c in legal]
    rank = [(cost, -isa.LEVELS.index(c.kernel.isa), i) for i, (cost, c) in enumerate(zip(costs, legal, strict=True))]
    best = min(rank)[2]
    return Choice(op, legal[best].kernel, legal[best].form, costs[best],
                  {c.kernel.symbol: cost for c, cost in zip(legal, costs, strict=True)}, illegal, measured)


def estimate(op, candidate, machine):
    """Nanoseconds that a kernel should take on one thread: arithmetic at its share of the peak, or its bytes at the
    rate of the memory that holds them, whatever is slower."""
    flops, nbytes, efficiency = candidate.form.cost(op, candidate.kernel, machine)
    arithmetic = flops / (machine.flops(candidate.kernel.isa) * efficiency)
    return CALL_NS + max(arithmetic, nbytes / machine.bandwidth(nbytes))


def threads_worth(ns, threads):
    """Parts that a step of ``ns`` on one thread is worth: none smaller than what handing it over costs."""
    PART_NS = 4000.0
    return max(1, min(threads, int(ns / PART_NS)))
