"""Which of the legal kernels does an operation, and why: by estimate, or by measurement (:mod:`.tune`)."""

from collections import namedtuple

from .. import isa
from ..errors import UnsupportedError
from .candidates import candidates

#: What was decided for one operation. ``costs``: {symbol: ns on one thread} of the kernels that were compared,
#: estimated or ``measured``; ``rejected``: {symbol: why} of all others; ``args``: the chosen kernel's arguments, where
#: they were made on the way, else None.
Choice = namedtuple("Choice", "op kernel form ns costs rejected measured args")

CALL_NS = 30.0          # the least that any step takes
HOPELESS = 3.0          # a kernel estimated at so many times the best is not worth measuring
SPARSE_MARGIN = 1.02    # a sparse kernel has to be better than a dense one by more than the noise of a measurement


def choose(op, level, options, machine, tuner=None):
    """A Choice among the kernels up to the instruction set ``level``.

    With a ``tuner`` (see :class:`.tune.Tuner`) the promising ones are measured, else :func:`estimate` decides. Where
    two cost the same, the dense one, then the higher instruction set, then the one listed first is taken.
    UnsupportedError when no kernel can do it.
    """
    found = candidates(op, level, options)
    legal = [c for c in found if c.illegal is None]
    rejected = {c.kernel.symbol: c.illegal for c in found if c.illegal is not None}
    if not legal:
        reasons = "; ".join(f"{symbol}: {why}" for symbol, why in rejected.items()) or "there is none of its kind"
        raise UnsupportedError(f"no kernel can do the {op.kind} of {op.name!r} ({reasons})")
    costs = [estimate(op, c, machine) for c in legal]
    measured, args = False, {}
    if tuner is not None and len(legal) > 1:
        legal, dropped = promising(legal, costs)
        rejected.update(dropped)
        costs, args = tuner.measure(op, legal)
        measured = True
    rank = [(cost * (1.0 if c.form.weights == "dense" else SPARSE_MARGIN), -isa.LEVELS.index(c.kernel.isa), i)
            for i, (cost, c) in enumerate(zip(costs, legal, strict=True))]
    best = min(rank)[2]
    kernel = legal[best].kernel
    return Choice(op, kernel, legal[best].form, costs[best],
                  {c.kernel.symbol: cost for c, cost in zip(legal, costs, strict=True)}, rejected, measured,
                  args.get(kernel.symbol))


def estimate(op, candidate, machine):
    """Nanoseconds that a kernel should take on one thread: arithmetic at its share of the peak, or its bytes at the
    rate of the memory that holds them, whatever is slower."""
    flops, nbytes, efficiency = candidate.form.cost(op, candidate.kernel, machine)
    arithmetic = flops / (machine.flops(candidate.kernel.isa) * efficiency)
    return CALL_NS + max(arithmetic, nbytes / machine.bandwidth(nbytes))


def promising(legal, estimates):
    """(the candidates that are worth measuring, {symbol: why not} of the others).

    Left out are those that are estimated to be much slower than the best, and the same form for an instruction set
    below the two best ones that it is there for.
    """
    kept, dropped = [], {}
    best = min(estimates)
    for c, ns in zip(legal, estimates, strict=True):
        family = [isa.LEVELS.index(k.kernel.isa) for k in legal
                  if (k.kernel.form, k.kernel.group) == (c.kernel.form, c.kernel.group)]
        if ns > HOPELESS * best:
            dropped[c.kernel.symbol] = f"estimated at {ns / best:.1f} times the best"
        elif sum(level > isa.LEVELS.index(c.kernel.isa) for level in family) >= 2:
            dropped[c.kernel.symbol] = "there are two of its form for higher instruction sets"
        else:
            kept.append(c)
    return kept, dropped


def threads_worth(ns, threads):
    """Parts that a step of ``ns`` on one thread is worth: none smaller than what handing it over costs."""
    PART_NS = 4000.0
    return max(1, min(threads, int(ns / PART_NS)))
