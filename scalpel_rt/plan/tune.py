"""Measuring kernels on the real shape and the real weights.

What came out is remembered (:mod:`.cache`) under a key of everything that it hangs on: the build, the operation, the
shapes, and where the weights are zero.
"""

import hashlib
import time

import numpy as np

from .bind import alone
from .cache import build, digest, open_cache

RUNS = 12               # of each kernel that is not far behind after the first
OP_NS = 30e6            # after so much time on one operation, no more runs
NET_NS = 1.2e9          # after so much time on one net, packing included, estimates have to do for what is left
WORSE = 1.5             # times the best: no more runs for this kernel
UNMEASURED = "unmeasured"   # stands beside symbols in the cache: there was no time for the others


class Tuner:
    """Measures for one compilation, for a limited time; :meth:`save` keeps the results.

    Parameters
    ----------
    machine : Machine
    footprint : int
        Bytes that a run of the whole net touches: when they outgrow a cache, so do the weights between two runs, and
        measurements must not find them there.
    """

    def __init__(self, machine, footprint):
        self._cache = open_cache(machine)
        evict = 0 if footprint <= machine.l2 else min(footprint, max(4 * machine.l2, 1 << 20))
        self._evict = np.zeros(evict, np.uint8)
        self._left = NET_NS

    def measure(self, op, candidates):
        """([ns of each candidate on one thread], {symbol: args} of those that had to be packed for it).

        (None, {}) when no time is left, now or when this was asked before: that too is remembered, so that a net gets
        the same kernels the next time.
        """
        key = signature(op)
        known = self._cache.get(key)
        fresh = [c for c in candidates if c.kernel.symbol not in known]
        args = {}
        if fresh and (UNMEASURED in known or self._left <= 0):
            self._cache.put(key, {UNMEASURED: 0.0})
            return None, {}
        if fresh:
            begin = time.perf_counter_ns()
            times, args = self._run(op, fresh)
            self._left -= time.perf_counter_ns() - begin
            self._cache.put(key, times)
            known = {**known, **times}
        return [known[c.kernel.symbol] for c in candidates], args

    def save(self):
        """Write what is new to the cache file."""
        self._cache.save()

    def _run(self, op, candidates):
        """({symbol: ns}, {symbol: args} of the best): all in turn, so that a disturbance meets them alike."""
        rng = np.random.default_rng(0)
        arrays = [rng.standard_normal(v.shape, np.float32) for v in op.inputs]
        times, plans, args = {}, {}, {}
        for candidate in candidates:
            symbol = candidate.kernel.symbol
            plan, packed = alone(op, candidate.form, candidate.kernel)
            times[symbol] = min(self._time(plan, arrays) for _ in range(2))
            if times[symbol] <= WORSE * min(times.values()):
                plans[symbol], args[symbol] = plan, packed
            for loser in [s for s in plans if times[s] > WORSE * min(times.values())]:
                del plans[loser], args[loser]
        begin = time.perf_counter_ns()
        for _ in range(RUNS):
            for symbol, plan in plans.items():
                times[symbol] = min(times[symbol], self._time(plan, arrays))
            if len(plans) < 2 or time.perf_counter_ns() - begin > OP_NS:
                break
        return times, args

    def _time(self, plan, arrays):
        self._evict += 1
        return float(plan.time(*arrays)[0])


def signature(op):
    """The key of an operation: all that its speed may hang on."""
    attrs = sorted((name, value) for name, value in op.attrs.items())
    weights = sorted((name, w.shape, _zeros(w)) for name, w in op.weights.items())
    shapes = [v.shape for v in op.inputs], [v.shape for v in op.outputs]
    return digest(repr((build(), op.kind, attrs, shapes, weights)))


def _zeros(w):
    """Where an array is zero: "" for nowhere, else a digest."""
    if np.count_nonzero(w) == w.size:
        return ""
    return hashlib.blake2b(np.packbits(w != 0), digest_size=16).hexdigest()
