"""The one way in which this project times: all candidates in turn, many times, and only when they are right.

Candidates take turns (A B A B …), so that whatever else the machine does meets all of them; ratios come from
neighbours in time. Calls shorter than a clock can tell apart are repeated in a loop. What is reported is the median,
how far the middle half of the samples lies apart, and how far the median itself can be trusted.
"""

import gc
import math
import os
import time
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import repeat

import numpy as np

from ..errors import MismatchError, OptionsError

SAMPLE = 5e-3           # seconds that a sample should last; calls that are shorter are repeated in it
UNTIMED = 15e-3         # seconds of untimed calls before a sample, so that it finds its own data in the caches: a last
                        # level that takes what others evict needs dozens of passes to fill
LONG = 20e-3            # a call longer than this is not made untimed: it brings all its data by itself
LEAST, MOST = 5, 2000   # rounds


@dataclass(frozen=True)
class Timing:
    """Samples of one candidate.

    Attributes
    ----------
    seconds : tuple of float
        Of one call, each the mean over ``calls`` calls in a row; in the order in which they were taken.
    calls : int
    """

    seconds: tuple
    calls: int = 1

    @property
    def median(self):
        """Seconds."""
        return float(np.median(self.seconds))

    @property
    def mean(self):
        """Seconds."""
        return float(np.mean(self.seconds))

    @property
    def min(self):
        """Seconds."""
        return float(min(self.seconds))

    @property
    def quartiles(self):
        """Seconds: a quarter of the samples lies below the first, a quarter above the second."""
        low, high = np.percentile(self.seconds, (25, 75))
        return float(low), float(high)

    @property
    def noise(self):
        """How far the median may be off, as a share of it: see :func:`noise`."""
        return noise(self.seconds)

    def as_dict(self):
        """For JSON; all times in seconds."""
        low, high = self.quartiles
        return {"median": self.median, "mean": self.mean, "min": self.min, "quartiles": [low, high],
                "noise": self.noise, "samples": len(self.seconds), "calls": self.calls}

    def __str__(self):
        return f"{duration(self.median)} ± {100 * self.noise:.1f} %"


class Timings(dict):
    """{name: :class:`Timing`} of candidates that took turns: sample i of one is neighbour of sample i of another."""

    def ratio(self, slow, fast):
        """(median, first quartile, third quartile) of how many times as long ``slow`` takes as ``fast``, over pairs of
        neighbours: a disturbance that lasts meets both, and drops out."""
        pairs = np.array(self[slow].seconds) / np.array(self[fast].seconds)
        low, middle, high = np.percentile(pairs, (25, 50, 75))
        return float(middle), float(low), float(high)


def noise(samples):
    """How far the median of ``samples``, in the order in which they were taken, may be off, as a share of it.

    The larger of the half-width of the notch of a box plot (McGill, Tukey, Larsen 1978), 1.57 times the distance of
    the quartiles over the root of the count, which is about a 95 % interval when samples do not hang on each other; and
    of half the distance between the medians of the first and the second half of them, which shows it when they do.
    Infinite for fewer than four samples: nobody knows.
    """
    if len(samples) < 4:
        return math.inf
    samples = np.asarray(samples, float)
    low, middle, high = np.percentile(samples, (25, 50, 75))
    half = len(samples) // 2
    drift = abs(np.median(samples[:half]) - np.median(samples[-half:])) / 2
    return float(max(1.57 * (high - low) / math.sqrt(len(samples)), drift) / middle) if middle else math.inf


def time_together(candidates, *arguments, seconds=1.0, check=None, before=None, cores=None, progress=None):
    """Time functions against each other.

    Parameters
    ----------
    candidates : {name: callable}
        Each is called with ``arguments``. One with an attribute ``seconds`` times itself: after each call that must
        say how long it took, and nothing else is counted.
    seconds : float
        What all may take together, about; at least five samples of each are taken whatever that costs, and at most
        2000.
    check : callable, optional
        ``check(name, output)`` for the first output of each candidate; what it returns, if anything, says what is
        wrong with it. Nothing is timed unless all are right.
    before : callable, optional
        Called untimed before every sample, which is then a single call: for measuring with cold caches.
    cores : int, optional
        As for :func:`pinned`, which holds while this runs; None leaves threads where they are.
    progress : callable, optional
        ``progress(share)`` after each round, 0 to 1.

    Returns
    -------
    Timings

    Raises
    ------
    MismatchError
        ``check`` found a wrong output. All wrong candidates are named.
    OptionsError
        No candidates, a budget that is no positive number, more cores than there are.
    """
    if not candidates:
        raise OptionsError("there is nothing to time")
    if not seconds > 0:
        raise OptionsError(f"seconds must be above 0, not {seconds!r}")
    with pinned(cores):
        wrong = []
        for name, call in candidates.items():
            output = call(*arguments)
            problem = check(name, output) if check is not None else None
            if problem:
                wrong.append(f"{name}: {problem}")
        if wrong:
            raise MismatchError("not timed, for these outputs are wrong: " + "; ".join(wrong))
        return _take_turns(candidates, arguments, seconds, before, progress)


def _take_turns(candidates, arguments, budget, before, progress):
    begin = time.perf_counter()
    plans = {}
    for name, call in candidates.items():
        one = _warm(call, arguments)
        calls = 1 if before is not None else max(1, math.ceil(SAMPLE / max(one, 1e-8)))
        untimed = math.ceil(UNTIMED / max(one, 1e-8)) if before is None and one < LONG else 0
        plans[name] = call, calls, untimed
    samples = {name: [] for name in candidates}
    collected = gc.isenabled()
    gc.disable()
    try:
        for i in range(MOST):
            for name, (call, calls, untimed) in plans.items():
                if before is not None:
                    before()
                for _ in repeat(None, untimed):
                    call(*arguments)
                samples[name].append(_sample(call, arguments, calls))
            spent = time.perf_counter() - begin
            if progress is not None:
                progress(min(1.0, max(min((i + 1) / LEAST, spent / budget), (i + 1) / MOST)))
            if i + 1 >= LEAST and spent >= budget:
                break
    finally:
        if collected:
            gc.enable()
    return Timings((name, Timing(tuple(taken), plans[name][1])) for name, taken in samples.items())


def _warm(call, arguments):
    """Seconds of a call once it has settled, by the clock on the wall even for one that times itself: the least of a
    few, over a few milliseconds for short ones."""
    least, spent = math.inf, 0.0
    for i in range(1000):
        start = time.perf_counter_ns()
        call(*arguments)
        least = min(least, (time.perf_counter_ns() - start) * 1e-9)
        spent += least
        if spent > SAMPLE and i >= 1:
            break
    return least


def _sample(call, arguments, calls):
    """Seconds of one call, the mean of ``calls`` in a row; the loop itself adds some 20 ns to each."""
    if hasattr(call, "seconds"):
        total = 0.0
        for _ in repeat(None, calls):
            call(*arguments)
            total += call.seconds
        return total / calls
    if arguments:
        start = time.perf_counter_ns()
        for _ in repeat(None, calls):
            call(*arguments)
    else:
        start = time.perf_counter_ns()
        for _ in repeat(None, calls):
            call()
    return (time.perf_counter_ns() - start) / calls * 1e-9


@contextmanager
def pinned(cores):
    """Keep all threads of this process on the last ``cores`` of those that the caller may use, while the block runs.

    Threads made meanwhile start there too; at the end every thread may go where it could go before (new ones: where
    the caller could). The last cores, since the system's own work likes the first. None pins nothing; neither does a
    system that knows no affinities. OptionsError for more cores than there are.
    """
    if cores is None or not hasattr(os, "sched_setaffinity"):
        yield
        return
    mine = os.sched_getaffinity(0)
    if not 1 <= cores <= len(mine):
        raise OptionsError(f"cannot pin to {cores} cores: this process may use {len(mine)}")
    old = _affinities()
    try:
        _move(dict.fromkeys(old, sorted(mine)[-cores:]))
        yield
    finally:
        _move({thread: old.get(thread, mine) for thread in _threads()})


def _threads():
    """Numbers of the threads of this process, the caller's own first."""
    try:
        return [0, *map(int, os.listdir("/proc/self/task"))]
    except OSError:
        return [0]


def _affinities():
    """Where each thread of this process may run: ``{thread: CPUs}``, without those that ended meanwhile."""
    found = {}
    for thread in _threads():
        try:
            found[thread] = os.sched_getaffinity(thread)
        except OSError:
            pass
    return found


def _move(affinities):
    for thread, where in affinities.items():
        try:
            os.sched_setaffinity(thread, where)
        except OSError:
            pass        # it ended meanwhile


def duration(seconds):
    """``1.23 ms``: three digits and the unit that suits."""
    for factor, unit in ((1, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if seconds >= factor:
            return f"{seconds / factor:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"
