"""One run as a Chrome trace: what chrome://tracing and ui.perfetto.dev show."""

import json
import time

import numpy as np

from ..files import atomic_write
from ..runtime import _plan
from .steps import prepare, short

WARM = 3    # runs before the one that is written down


def chrome_trace(net, options=None, *, inputs=None):
    """The events of one run, a dict for JSON: {"traceEvents": [...], "displayTimeUnit": "ns"}.

    One row for each thread of the pool, a box for what it did of each step, named after its layers, with the
    kernel among its arguments; one row for the run as the caller sees it. Times are in µs from the beginning of the
    call. Of plans in stages or in turns the steps are there once, in their order, each as long as it took in all, on
    the caller's thread. Parameters and errors as for :func:`.steps.profile`.
    """
    plan, arrays = prepare(net, options, inputs)
    for _ in range(WARM):
        plan.run_all(*arrays)
    start = time.perf_counter_ns()
    steps = _compiled(plan, arrays) if isinstance(plan, _plan.Plan) else _one_after_another(plan, arrays)
    end = time.perf_counter_ns()
    threads = sorted({thread for *_, thread in steps})
    events = [_named("process_name", 0, net.name or "net"), _named("thread_name", 0, "run")]
    events += [_named("thread_name", thread + 1, f"thread {thread}") for thread in threads]
    events.append(_box("run", 0, 0, end - start, {}))
    for row, begin, stop, thread in steps:
        events.append(_box(row.layers, thread + 1, begin - start, stop - begin, {
            "kind": row.kind, "kernel": short(row.kernel), "output": row.size(),
            "multiply-adds": row.multiply_adds, "bytes": row.weight_bytes + row.value_bytes}))
    return {"traceEvents": events, "displayTimeUnit": "ns"}


def write_chrome_trace(path, net, options=None, *, inputs=None):
    """Write :func:`chrome_trace` to a file, whole or not at all."""
    events = chrome_trace(net, options, inputs=inputs)
    with atomic_write(path, "w") as file:
        json.dump(events, file)


def _compiled(plan, arrays):
    """[(Row, begin, end, thread)] of what each thread did; the plan's clock is Python's."""
    lanes = plan.trace(*arrays).lanes
    return [(row, *map(int, lanes[i, thread]), thread) for i, row in enumerate(plan.explain())
            for thread in np.flatnonzero(lanes[i, :, 1]).tolist()]


def _one_after_another(plan, arrays):
    """The same for a plan that is more than one Plan; threads are not told apart."""
    found, now = [], time.perf_counter_ns()
    for row, ns in plan.timed(*arrays):
        found.append((row, now, now + ns, 0))
        now += ns
    return found


def _box(name, thread, begin, length, more):
    return {"name": name, "ph": "X", "pid": 0, "tid": thread, "ts": begin / 1e3, "dur": length / 1e3, "args": more}


def _named(what, thread, name):
    return {"name": what, "ph": "M", "pid": 0, "tid": thread, "args": {"name": name}}
