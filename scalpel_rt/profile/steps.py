"""Where the time of a net goes: every step of the real run, against what the machine could do."""

import time
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from ..errors import OptionsError, ShapeError
from ..plan.explain import PYTHON, Row
from ..runtime import _plan
from .machine import Peaks, peaks, probe_kernel
from .timer import Timing, duration, time_together

MOST_RUNS = 5000        # of which the steps' times are kept, the last ones


@dataclass(frozen=True)
class Step:
    """One step of a plan: a :class:`scalpel_rt.plan.explain.Row` and its :class:`.timer.Timing`.

    ``share`` is its part of the sum over all steps.
    """

    row: Row
    timing: Timing
    share: float

    @property
    def nbytes(self):
        """Bytes of weights, indices and values that it reads and writes, each once."""
        return self.row.weight_bytes + self.row.value_bytes

    @property
    def gflops(self):
        """GFLOP/s: two for each multiply-add that its kept weights ask for, however the kernel makes them; 0 for kinds
        without a matrix. Winograd, which makes fewer, may show more than the machine can do."""
        return 2e-9 * self.row.multiply_adds / max(self.timing.median, 1e-9)

    @property
    def gbs(self):
        """GB/s of :attr:`nbytes`."""
        return 1e-9 * self.nbytes / max(self.timing.median, 1e-9)


@dataclass(frozen=True)
class Profile:
    """What :func:`profile` found.

    Attributes
    ----------
    name : str
        The net's.
    inputs : {name: shape}
    threads : int
        Most that any step uses.
    steps : tuple of Step
        In the order of the run.
    run : Timing
        Of ``plan.run()``, from call to return, with nothing else measured.
    footprint : int
        Bytes that a run touches: packed weights, and the memory that holds all values.
    peaks : Peaks
    """

    name: str
    inputs: dict
    threads: int
    steps: tuple
    run: Timing
    footprint: int
    peaks: Peaks

    @property
    def in_steps(self):
        """Seconds: the sum of the steps' medians."""
        return sum(step.timing.median for step in self.steps)

    @property
    def overhead(self):
        """Seconds of a run that are no step's: the call, checking and copying of inputs and outputs, going from step to
        step. The difference of two measurements, so that noise may make it negative."""
        return self.run.median - self.in_steps

    @property
    def memory(self):
        """The level of memory that the net runs from: its weights are not found in a smaller one again."""
        return self.peaks.level(self.footprint, self.threads)

    def of_peak(self, step):
        """(share of the machine's GFLOP/s, share of the GB/s of :attr:`memory`), at the step's number of threads."""
        return (step.gflops / self.peaks.gflops(threads=step.row.threads),
                step.gbs / self.peaks.gbs(self.footprint, step.row.threads))

    def by_kind(self):
        """{kind of operation: seconds}, the most expensive first."""
        sums = defaultdict(float)
        for step in self.steps:
            sums[step.row.kind] += step.timing.median
        return dict(sorted(sums.items(), key=lambda item: -item[1]))

    def as_dict(self):
        """For JSON; times in seconds."""
        return {
            "net": self.name, "inputs": {name: list(shape) for name, shape in self.inputs.items()},
            "threads": self.threads, "run": self.run.as_dict(), "in_steps": self.in_steps, "overhead": self.overhead,
            "footprint": self.footprint, "memory": self.memory,
            "steps": [self._step_dict(step) for step in self.steps], "machine": self.peaks.as_dict()}

    def _step_dict(self, step):
        row, (of_flops, of_bytes) = step.row, self.of_peak(step)
        return {"layers": row.layers, "kind": row.kind, "shape": list(row.shape), "kernel": row.kernel,
                "threads": row.threads, "turns": row.turns, "time": step.timing.as_dict(), "share": step.share,
                "multiply_adds": row.multiply_adds, "weight_bytes": row.weight_bytes, "value_bytes": row.value_bytes,
                "gflops": step.gflops, "gbs": step.gbs, "of_peak_gflops": of_flops, "of_peak_gbs": of_bytes}

    def table(self):
        """(header, rows, columns to be flushed right): one row a step, for people."""
        header = ("layers", "kind", "output", "kernel", "thr", "median", "mean", "min", "share", "mult-adds", "bytes",
                  "GFLOP/s", "of peak", "GB/s", f"of {self.memory}")
        rows = []
        for step in self.steps:
            row, (of_flops, of_bytes) = step.row, self.of_peak(step)
            matrix = row.multiply_adds > 0
            rows.append((row.layers, row.kind, row.size(), short(row.kernel), row.threads,
                         duration(step.timing.median), duration(step.timing.mean), duration(step.timing.min),
                         f"{100 * step.share:.1f} %", f"{row.multiply_adds:.3g}" if matrix else "",
                         f"{step.nbytes:.3g}", f"{step.gflops:.1f}" if matrix else "",
                         f"{100 * of_flops:.0f} %" if matrix else "", f"{step.gbs:.1f}", f"{100 * of_bytes:.0f} %"))
        return header, rows, range(4, len(header))

    def summary(self):
        """A few lines for people."""
        kinds = ", ".join(f"{kind} {100 * t / self.in_steps:.0f} %" for kind, t in list(self.by_kind().items())[:4])
        products = sum(step.row.multiply_adds for step in self.steps)
        lines = [f"run: {self.run}, {2e-9 * products / self.run.median:.1f} GFLOP/s ({self.threads} "
                 f"thread{'s' * (self.threads > 1)}); steps {duration(self.in_steps)}, all else "
                 f"{'-' * (self.overhead < 0)}{duration(abs(self.overhead))}",
                 f"by kind: {kinds}",
                 f"{self.footprint / 1e6:.3g} MB are touched, so {self.memory} is what bytes are held against: "
                 f"{self.peaks.gbs(self.footprint, self.threads):.0f} GB/s; arithmetic: "
                 f"{self.peaks.gflops(threads=self.threads):.0f} GFLOP/s"]
        return "\n".join(lines)

    def _repr_html_(self):
        from ..notebook import page_part

        return page_part(*self.table(), self.summary())


def profile(net, options=None, *, inputs=None, seconds=2.0, machine=None):
    """Time every step of a net's plan, in the run itself.

    Parameters
    ----------
    net : scalpel_rt.net.Net
    options : Options, optional
        How it is planned; default: the net's own.
    inputs : {name: array}, optional
        What to run on; inputs that are not named get random numbers from 0 to 1.
    seconds : float
        How long to measure, about.
    machine : Peaks, optional
        Default: :func:`.machine.peaks`.

    Runs with and without a clock at every step take turns; what reading the clock costs is taken off the steps. Raises
    as :meth:`scalpel_rt.net.Net.compile`; GraphError for unknown inputs, ShapeError for shapes that do not fit.
    """
    plan, arrays = prepare(net, options, inputs)
    machine = machine or peaks()
    watched = _Watched(plan)
    clock = _clock_ns()
    found = time_together({"run": plan.run_all, "steps": watched}, *arrays, seconds=seconds)
    rows = [row for row, _ in watched.last]
    times = np.maximum(np.array(watched.kept, float).reshape(len(watched.kept), len(rows)) - clock, 1.0) * 1e-9
    timings = [Timing(tuple(column)) for column in times.T.tolist()]
    total = sum(t.median for t in timings)
    steps = tuple(Step(row, t, t.median / total) for row, t in zip(rows, timings, strict=True))
    shapes = {slot.name: tuple(array.shape) for slot, array in zip(plan.inputs, arrays, strict=True)}
    threads = max((row.threads for row in rows), default=1)
    return Profile(net.name, shapes, threads, steps, found["run"], footprint(plan), machine)


def prepare(net, options, inputs):
    """(plan, list of arrays to run it on)."""
    plan = net.compile(options)
    given = dict(inputs or {})
    unknown = [name for name in given if name not in net.inputs]
    if unknown:
        raise OptionsError(f"the net has no input {', '.join(unknown)}; it has {', '.join(net.inputs)}")
    rng = np.random.default_rng(0)
    arrays = [np.ascontiguousarray(given[slot.name], np.float32) if slot.name in given
              else rng.random(slot.shape, np.float32) for slot in plan.inputs]
    for slot, array in zip(plan.inputs, arrays, strict=True):
        if array.shape != tuple(slot.shape):
            raise ShapeError(f"input {slot.name!r} is planned for shape {tuple(slot.shape)}, not {array.shape}")
    return plan, arrays


def footprint(plan):
    """Bytes that a run touches: packed weights, and the memory that holds all values."""
    return sum(p.steps.weight_bytes + p.steps.arena for p in plan.plans)


def short(kernel):
    """A kernel's symbol without what all have: ``conv_gemm_8x48 avx512``."""
    return kernel if kernel == PYTHON else kernel.removeprefix("scl_").replace("__", " ")


class _Watched:
    """Calls ``plan.timed`` and keeps what it says; times itself (the sum over the steps)."""

    def __init__(self, plan):
        self._timed = plan.timed
        self.kept, self.last, self.seconds = [], (), 0.0

    def __call__(self, *arrays):
        self.last = self._timed(*arrays)
        times = [ns for _, ns in self.last]
        self.kept.append(times)
        if len(self.kept) > 2 * MOST_RUNS:
            del self.kept[:MOST_RUNS]
        self.seconds = max(sum(times), 1) * 1e-9


def _clock_ns():
    """What looking at the clock adds to the time of a step: the time of a step that does nothing."""
    args = {"x": np.zeros(1, np.float32), "rows": 0, "k": 0, "repeats": 0, "a": 0.0, "b": 0.0}
    step = _plan.Step("nothing", probe_kernel("fma", "scalar"), args, {"y": 0}, 1, 0.0)
    plan = _plan.Plan(_plan.Steps([step] * 20, 64, (), ()))
    begin, least = time.perf_counter(), []
    while time.perf_counter() - begin < 2e-3:
        least.append(float(np.median(plan.time())))
    return min(least)
