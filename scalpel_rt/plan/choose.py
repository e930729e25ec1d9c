"""Which of the legal kernels does an operation, and why: by estimate, or by measurement (:mod:`.tune`)."""

import math
from collections import namedtuple

from .. import isa
from ..errors import UnsupportedError
from ..runtime._plan import MAX_CUTS
from .candidates import candidates

#: What was decided for one operation. ``costs``: {symbol: ns on one thread} of the kernels that were compared,
#: estimated or ``measured``; ``rejected``: {symbol: why} of all others; ``args``: the chosen kernel's arguments, where
#: they were made on the way, else None.
Choice = namedtuple("Choice", "op kernel form ns costs rejected measured args")

CALL_NS = 30.0          # the least that any step takes
CLOSE = 1.4             # a kernel estimated at more times the best is not worth measuring,
FAR = 4.0               # the best dense one at more times than no estimate is off
SPARSE_MARGIN = 1.02    # a sparse kernel has to be better than a dense one by more than the noise of a measurement,
NOISE = 1.03            # and any kernel by more than that than the one that estimates say

#: The kernels that could do one operation: ``legal`` candidates and their ``costs``, estimated; ``rejected`` as above.
Comparison = namedtuple("Comparison", "op legal costs rejected")


def choose(op, level, options, machine, tuner=None):
    """A Choice among the kernels up to the instruction set ``level``: :func:`decide` over :func:`compare`."""
    return decide(compare(op, level, options, machine), tuner)


def compare(op, level, options, machine):
    """The Comparison of all kernels up to the instruction set ``level``, by :func:`estimate`.

    UnsupportedError when no kernel can do the operation.
    """
    found = candidates(op, level, options)
    legal = [c for c in found if c.illegal is None]
    rejected = {c.kernel.symbol: c.illegal for c in found if c.illegal is not None}
    if not legal:
        reasons = "; ".join(f"{symbol}: {why}" for symbol, why in rejected.items()) or "there is none of its kind"
        raise UnsupportedError(f"no kernel can do the {op.kind} of {op.name!r} ({reasons})")
    return Comparison(op, legal, [estimate(op, c, machine) for c in legal], rejected)


def decide(comparison, tuner=None):
    """The Choice out of a Comparison.

    With a ``tuner`` (see :class:`.tune.Tuner`) those are measured that the estimates do not tell apart; where it has no
    time for that, or nothing is to be told apart, the estimates decide. Where two cost the same, the one that estimates
    say, then the dense one, then the higher instruction set, then the one listed first is taken.
    """
    op, legal, costs, rejected = comparison
    expected = legal[_best(legal, costs)].kernel
    times, args = None, {}
    if tuner is not None:
        close, dropped = promising(legal, costs)
        if len(close) > 1:
            times, args = tuner.measure(op, close)
        if times is not None:
            legal, costs, rejected = close, times, {**rejected, **dropped}
    best = _best(legal, [cost * (1.0 if c.kernel is expected else NOISE) for c, cost in zip(legal, costs, strict=True)])
    kernel = legal[best].kernel
    return Choice(op, kernel, legal[best].form, costs[best],
                  {c.kernel.symbol: cost for c, cost in zip(legal, costs, strict=True)}, rejected, times is not None,
                  args.get(kernel.symbol))


def _best(legal, costs):
    """The place of the candidate to take."""
    rank = [(cost * (1.0 if c.form.weights == "dense" else SPARSE_MARGIN), -isa.LEVELS.index(c.kernel.isa), i)
            for i, (cost, c) in enumerate(zip(costs, legal, strict=True))]
    return min(rank)[2]


def estimate(op, candidate, machine):
    """Nanoseconds that a kernel should take on one thread: arithmetic at its share of the peak, or its bytes at the
    rate of the memory that holds them, whatever is slower."""
    flops, nbytes, efficiency = candidate.form.cost(op, candidate.kernel, machine)
    arithmetic = flops / (machine.flops(candidate.kernel.isa) * efficiency)
    return CALL_NS + max(arithmetic, nbytes / machine.bandwidth(nbytes))


def promising(legal, estimates):
    """(the candidates that are worth measuring, {symbol: why not} of the others).

    Left out are those whose estimate is far from the best, farther for the best dense one, and the same form for a
    lower instruction set that is estimated to be no faster.
    """
    kept, dropped = [], {}
    best = min(estimates)
    dense = min((ns for c, ns in zip(legal, estimates, strict=True) if c.form.weights == "dense"), default=best)
    for c, ns in zip(legal, estimates, strict=True):
        higher = [k.kernel.isa for k, other in zip(legal, estimates, strict=True)
                  if (k.kernel.form, k.kernel.group) == (c.kernel.form, c.kernel.group)
                  and isa.LEVELS.index(k.kernel.isa) > isa.LEVELS.index(c.kernel.isa) and other <= ns]
        if ns > best * (FAR if c.form.weights == "dense" and ns == dense else CLOSE):
            dropped[c.kernel.symbol] = f"estimated at {ns / best:.1f} times the best"
        elif higher:
            dropped[c.kernel.symbol] = f"estimated to be no faster than the same for {higher[-1]}"
        else:
            kept.append(c)
    return kept, dropped


def threads_worth(ns, threads):
    """Threads that a step of ``ns`` on one is worth: none with less to do than what handing it over costs."""
    PART_NS = 4000.0
    return max(1, min(threads, int(ns / PART_NS)))


def cuts_worth(ns, threads, most_parts=math.inf, rough=False):
    """Parts for each of ``threads`` threads of a step of ``ns`` on one. A power of two, since kernels cut their work
    along two sides.

    Many enough that Ctrl-C is seen in time even if ``ns`` was estimated several times too low (``rough``: twenty
    times), and with more threads than one that a faster one can do more than its share, of which there are no two
    alike where others use the machine; but for the former, no more than ``most_parts`` in all.
    """
    SEEN_NS, FAIR_NS, FAIR = 1e6 if rough else 8e6, 40e3, 8
    seen = 1 << max(0, round(math.log2(max(1, ns / (threads * SEEN_NS)))))
    fair = min(FAIR, ns / (threads * FAIR_NS), most_parts / threads) if threads > 1 else 1
    return min(MAX_CUTS, max(seen, 1 << int(math.log2(max(1, fair)))))
