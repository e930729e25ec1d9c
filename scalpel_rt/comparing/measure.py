"""Ways of running a net against each other: each checked, then all timed in turn."""

import time
from dataclasses import dataclass

import numpy as np

from ..errors import OptionsError, ScalpelError
from ..isa import machine
from ..profile.timer import pinned, time_together
from ..report.results import Entry, Layer, Left, Times
from ..runtime.reference import ReferencePlan
from .methods import Ours, Way, dense_bytes
from .work import Workload, packed_bytes

TOLERANCE = 1e-3        # of the greatest magnitude: engines round differently (Winograd), but not by more


@dataclass(eq=False)
class Runner:
    """A Way that is ready to run. ``call``: from input arrays to an output; ``error``: see Entry."""

    way: Way
    call: object
    error: float


def measure(ways, dense, inputs, *, threads, options, seconds, accuracies, tell):
    """Time ``ways`` on the same inputs.

    Parameters
    ----------
    ways : list of Way
        At the shapes of ``inputs``.
    dense : Graph
        The net before pruning, at any batch: what shares of zeros are shares of.
    inputs : list of ndarray
    threads : int
    options : Options
        Of our plans.
    seconds : float
        For timing, about.
    accuracies : {(method, sparsity): percent}
    tell : callable
        tell(text, share): what is being done, and how much of it, 0 to 1, is.

    Returns
    -------
    (entries, refused, skipped)
        A list of Entry, and two of Left: ways with a wrong output, and ways that cannot run this net.
    """
    machine()       # is asked once in a process: not while it is pinned
    with pinned(threads):
        runners, refused, skipped = _prepare(ways, inputs, threads, options, tell)
        if not runners:
            return [], refused, skipped
        share = 0.6 if any(_has_layers(r.call) for r in runners) else 1.0
        calls = {i: r.call for i, r in enumerate(runners)}
        timings = time_together(calls, *inputs, seconds=seconds * share,
                                progress=lambda done: tell("timing", done * share))
        watches = {i: LayerWatch(r.call) for i, r in enumerate(runners) if _has_layers(r.call)}
        if watches:
            time_together(watches, *inputs, seconds=seconds * (1 - share),
                          progress=lambda done: tell("timing layers", share + done * (1 - share)))
    batch = inputs[0].shape[0] if inputs[0].ndim else 1
    entries = [_entry(r, timings[i], watches.get(i), dense, threads, batch, accuracies)
               for i, r in enumerate(runners)]
    return entries, refused, skipped


class LayerWatch:
    """Runs a net layer by layer, and keeps what each took; times itself by their sum."""

    def __init__(self, call):
        self._call, self.seconds, self.samples = call, 0.0, []

    def __call__(self, *inputs):
        layers = self._call.layers(*inputs)
        self.samples.append(layers)
        self.seconds = sum(layers.values())

    def times(self):
        """{layer: Times}; what was run to warm up is left out."""
        runs = self.samples[min(3, len(self.samples) // 2):]
        return {name: times([run[name] for run in runs]) for name in runs[0]}


def times(samples):
    """The Times of samples, in seconds."""
    low, median, high = np.percentile(samples, (25, 50, 75))
    return Times(float(median), float(low), float(high), len(samples))


def _prepare(ways, inputs, threads, options, tell):
    """(Runners with a right output, Left that are wrong, Left that cannot)."""
    runners, refused, skipped, wanted = [], [], [], {}
    for i, way in enumerate(ways):
        tell(f"preparing {way.title}", i / len(ways))
        where = f"{way.title}, {threads} thread{'s' * (threads > 1)}, batch {len(inputs[0]) if inputs[0].ndim else 1}"
        graph = way.net.graph
        try:
            call = _prepared(way, inputs, threads, options)
            outputs = call(*inputs)
        except Exception as error:      # of any engine, in any way; ours come as they are
            if way.ours and not isinstance(error, ScalpelError):
                raise
            skipped.append(Left(where, f"{type(error).__name__}: {_first_line(error)}"))
            continue
        if way.net not in wanted:
            wanted[way.net] = ReferencePlan(graph).run_all(*inputs)
        error = difference(outputs, wanted[way.net])
        if error <= TOLERANCE:
            runners.append(Runner(way, call, error))
        else:
            refused.append(Left(where, f"its output is wrong by {error:.2g} of the greatest magnitude"))
    return runners, refused, skipped


def _prepared(way, inputs, threads, options):
    if not way.ours and (len(inputs) != 1 or len(way.net.graph.outputs) != 1):
        raise OptionsError("peers are only given nets of one input and one output")
    return way.prepare(threads, options)


def difference(outputs, wanted):
    """Greatest difference over the greatest magnitude of ``wanted``, tuples of arrays; inf where a shape or a NaN
    differs."""
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    worst = 0.0
    for got, want in zip(outputs, wanted, strict=True):
        got = np.asarray(got, np.float64)
        if got.size != want.size:
            return np.inf
        got = got.reshape(want.shape)
        if not np.array_equal(np.isfinite(got), np.isfinite(want)):
            return np.inf
        finite = np.isfinite(want)
        if finite.any():
            gap = np.abs(got[finite] - want[finite]).max()
            worst = max(worst, float(gap / max(np.abs(want[finite]).max(), 1e-30)))
    return worst


def _entry(runner, timing, watch, dense, threads, batch, accuracies):
    way, graph = runner.way, runner.way.net.graph
    load = Workload(graph, dense)
    layers = []
    if watch is not None:
        kinds, packed = {}, {}
        if isinstance(runner.call, Ours):
            plan = runner.call.plan
            kinds = {row.layers: (row.kind, row.kernel) for row in runner.call.rows}
            for step in (step for part in plan.plans for step in part.steps.steps):
                packed[step.name] = packed.get(step.name, 0) + packed_bytes(step)
        for name, taken in watch.times().items():
            work = load.of(name, way.runner, packed.get(name) if kinds else None)
            kind, kernel = kinds.get(name) or (load.kind(name), None)
            layers.append(Layer(name, kind, kernel, times=taken, **vars(work)))
    low, high = timing.quartiles
    return Entry(way.net.name or "net", way.method, way.ours, way.sparsity, threads, batch,
                 Times(timing.median, low, high, len(timing.seconds)), load.weights, load.zeros, way.bytes(),
                 dense_bytes(dense), sum(layer.traffic for layer in layers) if layers else None, load.multiply_adds,
                 runner.error, accuracies.get((way.method, way.sparsity)), layers)


def _has_layers(call):
    return getattr(call, "layers", None) is not None


def _first_line(error):
    text = str(error).strip().splitlines()
    return text[0] if text else "no reason given"


class Clock:
    """Turns what is done into progress with the time that is left.

    Parameters
    ----------
    progress : callable or None
        Called with {"doing": text, "share": 0 to 1, "left": seconds or None}.
    parts : list of float
        Seconds that each part may take, about; corrected as parts are finished.
    """

    def __init__(self, progress, parts):
        self._progress, self._parts, self._done = progress, parts, 0
        self._begin = time.monotonic()

    def tell(self, text, share=0.0):
        """``share`` of the present part is done."""
        if self._progress is None:
            return
        total = sum(self._parts)
        done = sum(self._parts[:self._done]) + share * (self._parts[self._done] if self._done < len(self._parts) else 0)
        spent = time.monotonic() - self._begin
        left = spent * (total - done) / done if done > 0.05 * total else None
        self._progress({"doing": text, "share": done / total if total else 1.0, "left": left})

    def next(self):
        """The next part begins."""
        self._done += 1
