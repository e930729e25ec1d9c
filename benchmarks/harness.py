"""How the benchmarks measure: candidates in turns by our own timer, kept as records of pytest-benchmark.

pytest-benchmark times one thing after another, so that a machine that changes its pace makes one of them look bad.
Here all candidates of a piece of work take turns (:func:`scalpel_rt.profile.time_together`), once; each test then plays
its candidate's samples to pytest-benchmark on a clock of its own, and says in ``extra_info`` what was measured.
"""

import os
import warnings

import numpy as np
import pytest

from scalpel_rt import peers
from scalpel_rt.plan.bind import alone
from scalpel_rt.plan.explain import multiply_adds, value_bytes, weight_bytes
from scalpel_rt.profile import time_together

SECONDS = float(os.environ.get("SCALPEL_BENCH_SECONDS", 0.25))      # for each candidate
TOLERANCE = 2e-3        # of the largest output: a wrong kernel is off by far more, Winograd by less


class Clock:
    """A clock that a test advances by what was measured."""

    now = 0.0

    def __call__(self):
        return self.now


CLOCK = Clock()
#: For ``pytestmark`` of a module that uses :func:`record`.
MARK = pytest.mark.benchmark(timer=CLOCK, warmup=False)


def record(benchmark, timing, **info):
    """Keep a Timing as this test's benchmark; ``info`` goes to its ``extra_info``."""
    samples = iter(timing.seconds)

    def play():
        CLOCK.now += next(samples)

    benchmark.extra_info.update(info, noise=timing.noise, calls=timing.calls)
    benchmark.pedantic(play, rounds=len(timing.seconds), iterations=1)


def measure(disabled, candidates, *arguments, check, cores=None):
    """Timings of the candidates; when ``disabled`` (``--benchmark-disable``) each is run and checked once, and the
    result is None."""
    if disabled:
        for name, call in candidates.items():
            problem = check(name, call(*arguments))
            assert not problem, f"{name}: {problem}"
        return None
    return time_together(candidates, *arguments, seconds=SECONDS * len(candidates), check=check, cores=cores)


def close_to(want):
    """A check: within TOLERANCE of the float64 array ``want``, in whatever shape."""
    scale = float(np.abs(want).max()) or 1.0

    def check(name, got):
        if np.size(got) != want.size:
            return f"of shape {np.shape(got)}, not {want.shape}"
        got = np.asarray(got).reshape(want.shape)
        error = float(np.abs(got - want).max())
        return None if error <= TOLERANCE * scale else f"off by {error:.3g}, where the largest is {scale:.3g}"

    return check


class OneKernel:
    """One operation by one kernel, timed inside the plan, so that nothing of Python is counted."""

    def __init__(self, op, form, kernel, threads=1):
        self.plan, args = alone(op, form, kernel, threads)
        self.op, self.form, self.kernel = op, form, kernel
        self.multiply_adds = multiply_adds(self)
        self.nbytes = weight_bytes(args) + value_bytes(op)
        self.seconds = 0.0

    def __call__(self, *arrays):
        trace = self.plan.trace(*arrays)
        self.seconds = 1e-9 * float(trace.steps[0, 1] - trace.steps[0, 0])
        return trace.outputs[0]


def rates(seconds, products, nbytes):
    """{"gflops", "gbs"} for ``extra_info``."""
    return {"gflops": 2e-9 * products / seconds, "gbs": 1e-9 * nbytes / seconds}


def engines(net, threads, names, x, check):
    """{name: prepared peer} of the engines that give the right output for ``net`` and ``x``; a warning says why another
    one is left out."""
    found = {}
    for name in names:
        module = rival(name)
        if module is None:
            continue
        try:
            run = module.prepare(net, threads)
            problem = check(name, run(x))
        except Exception as error:      # of any engine, in any way
            problem = f"{type(error).__name__}: {error}"
        if problem:
            warnings.warn(f"rival {name} is left out of {net.name}, {x.shape}: {problem}", stacklevel=2)
        else:
            found[name] = run
    return found


def rival(name):
    """A rival's module, or None with a warning, which pytest shows, why not."""
    module = peers.find(name)
    reason = module.missing()
    if reason:
        warnings.warn(f"rival {name} is left out: {reason}", stacklevel=2)
        return None
    return module
