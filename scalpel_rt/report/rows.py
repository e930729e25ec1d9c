"""The tables of a report as rows of plain values, from which text, CSV and HTML are made alike.

Everything that is derived is derived here: speed-ups, rates, shares of what the machine can do.
"""

import math
from dataclasses import dataclass

NOISE = 0.02            # two medians that are closer than that are the same


@dataclass(frozen=True)
class Column:
    """``key`` in rows and CSV; ``title`` and ``unit`` for people; ``about``: one line; ``digits``: how a number is
    shown (see :func:`shown`), "" for text."""

    key: str
    title: str
    unit: str
    digits: str
    about: str


NET = Column("net", "net", "", "", "name of the net")
METHOD = Column("method", "method", "", "", "how it is pruned and what runs it, or the engine")
ASKED = Column("sparsity", "asked", "%", "share", "share of zeros that was asked for; empty: the net as it is")
ZEROS = Column("zeros", "zeros", "%", "share", "share of the dense net's weights that is zero or gone")
THREADS = Column("threads", "threads", "", "int", "threads that were used")
BATCH = Column("batch", "batch", "", "int", "images in one run")
MEDIAN = Column("ms", "median", "ms", "3", "median time of one run")
SPREAD = Column("spread", "spread", "%", "percent", "distance of the quartiles, as a share of the median")
SPEEDUP = Column("speedup", "speed-up", "×", "2x", "how many times as fast as dense; below 1, slower")
BYTES = Column("bytes", "size", "kB", "kilo", "parameters as this way stores them, indices counted")
REMOVED = Column("removed", "removed", "%", "share", "share of the dense net's bytes that is gone")
MACS = Column("multiply_adds", "mult-adds", "M", "mega", "multiply-adds with a weight that is not zero")
GFLOPS = Column("gflops", "rate", "GFLOP/s", "1", "two operations for each such multiply-add, over the median")
OF_PEAK = Column("of_peak", "of peak", "%", "percent", "that rate over this machine's peak (Winograd can pass 100 %)")
GBS = Column("gbs", "traffic", "GB/s", "1", "weights, inputs and outputs of all steps, over the median")
OF_BAND = Column("of_bandwidth", "of memory", "%", "percent",
                 "that rate over what is read from the memory that holds them all")
OF_BOUND = Column("of_bound", "of bound", "%", "percent",
                  "least time by arithmetic or by memory, whichever is more, over the median")
ACCURACY = Column("accuracy", "accuracy", "%", "2", "on the given data, not retrained unless said")
ERROR = Column("error", "error", "", "sci", "greatest difference from the reference, over its greatest magnitude")

NETS = (NET, METHOD, ASKED, THREADS, BATCH, MEDIAN, SPREAD, SPEEDUP, ZEROS, BYTES, REMOVED, MACS, GFLOPS, OF_PEAK, GBS,
        OF_BAND, OF_BOUND, ACCURACY, ERROR)

LAYERS = (NET, Column("layer", "layer", "", "", "step of the net: a layer and what was fused into it"),
          Column("kind", "kind", "", "", "kind of operation"), METHOD, ASKED, THREADS, BATCH,
          Column("us", "median", "µs", "3", "median time of this step"), SPREAD, SPEEDUP, ZEROS,
          Column("bytes", "weights", "kB", "kilo", "weights as they are read, indices counted"), MACS, GFLOPS, OF_PEAK,
          GBS, OF_BAND, OF_BOUND, Column("kernel", "kernel", "", "", "what ran it, where that is known"))


def net_rows(results):
    """One row for each Entry: {key of NETS: value or None}."""
    machine, rows = results.about.machine, []
    for e in results.entries:
        level = None if e.traffic is None else machine.level(e.traffic, e.threads)
        rows.append({
            "net": e.net, "method": e.method, "sparsity": e.sparsity, "threads": e.threads, "batch": e.batch,
            "ms": 1e3 * e.times.median, "spread": _spread(e.times), "speedup": results.speedup(e), "zeros": e.zeros,
            "bytes": e.bytes or None, "removed": max(0.0, 1 - e.bytes / e.dense_bytes) if e.dense_bytes else None,
            "multiply_adds": e.multiply_adds, "accuracy": e.accuracy, "error": e.error,
            **_rates(machine, e.threads, level, e.multiply_adds, e.traffic, e.times.median, e.layers)})
    return rows


def layer_rows(results):
    """One row for each step of each Entry: {key of LAYERS: value or None}."""
    machine, rows = results.about.machine, []
    for e in results.entries:
        base = results.baseline(e)
        dense = {} if base is None else {layer_key(layer): layer.times.median for layer in base.layers}
        level = None if e.traffic is None else machine.level(e.traffic, e.threads)
        for layer in e.layers:
            median, reference = layer.times.median, dense.get(layer_key(layer))
            rows.append({
                "net": e.net, "layer": layer.name, "kind": layer.kind, "method": e.method, "sparsity": e.sparsity,
                "threads": e.threads, "batch": e.batch, "us": 1e6 * median, "spread": _spread(layer.times),
                "speedup": reference / median if reference and median else None,
                "zeros": layer.zeros if layer.weights else None, "bytes": layer.bytes if layer.weights else None,
                "multiply_adds": layer.multiply_adds or None, "kernel": layer.kernel,
                **_rates(machine, e.threads, level, layer.multiply_adds, layer.traffic, median)})
    return rows


def layer_key(layer):
    """What the same layer is called in another way of running the net: plans may fuse more or less into it."""
    return layer.name.split("+")[0]


def losing_rows(results):
    """The rows of :func:`layer_rows` whose layer lost weights to pruning and is slower than dense by more than
    :data:`NOISE`, worst first."""
    return sorted((row for row in layer_rows(results)
                   if row["zeros"] and row["speedup"] and row["speedup"] < 1 - NOISE), key=lambda row: row["speedup"])


def _spread(times):
    return (times.high - times.low) / times.median if times.median else None


def _rates(machine, threads, level, multiply_adds, traffic, seconds, layers=None):
    peak, band = machine.peak(threads), machine.bandwidth(level, threads) if level else None
    rates = dict.fromkeys(("gflops", "of_peak", "gbs", "of_bandwidth", "of_bound"))
    if not seconds:
        return rates
    if multiply_adds:
        rates["gflops"] = 2e-9 * multiply_adds / seconds
        rates["of_peak"] = rates["gflops"] / peak if peak else None
    if traffic:
        rates["gbs"] = 1e-9 * traffic / seconds
        rates["of_bandwidth"] = rates["gbs"] / band if band else None
    if peak and band and traffic is not None:
        parts = [(layer.multiply_adds, layer.traffic) for layer in layers or ()] or [(multiply_adds, traffic)]
        rates["of_bound"] = sum(max(2e-9 * m / peak, 1e-9 * t / band) for m, t in parts) / seconds
    return rates


def shown(column, value):
    """A value as people read it, without its unit."""
    if value is None:
        return ""
    match column.digits:
        case "":
            return str(value)
        case "int":
            return f"{value:d}"
        case "share":
            return f"{100 * value:.1f}".removesuffix(".0")
        case "percent":
            return f"{100 * value:.0f}" if value >= 0.1 else f"{100 * value:.1f}"
        case "kilo":
            return significant(value / 1e3)
        case "mega":
            return significant(value / 1e6)
        case "sci":
            return f"{value:.0e}" if value else "0"
        case "2x":
            return f"{value:.2f}"
        case "3":
            return significant(value)
        case digits:
            return f"{value:.{digits}f}"


def significant(value):
    """Three digits, and thousands kept apart: 0.0123, 1.23, 12.3, 123, 12,345."""
    if value == 0:
        return "0"
    digits = 2 - math.floor(math.log10(abs(value)))
    return f"{value:,.{max(0, digits)}f}"


def titled(column):
    """The column's title with its unit."""
    return f"{column.title} ({column.unit})" if column.unit else column.title


def used(columns, rows):
    """The columns that any row has a value for."""
    return [c for c in columns if any(row[c.key] is not None for row in rows)]


def conditions(results):
    """The results' circumstances as (what, value) pairs of text, for every kind of report."""
    about, m = results.about, results.about.machine
    pairs = [("made", about.made), ("command", about.command), ("commit", about.git or "unknown"),
             ("machine", f"{m.name}, {m.cores} core{'s' * (m.cores != 1)}, {m.isa}")]
    if m.gflops:
        pairs.append(("peak", _by_threads(m.gflops, "GFLOP/s")))
    pairs += [(f"reads from {level}", _by_threads(rates, "GB/s")) for level, rates in m.reading.items()]
    pairs.append(("versions", ", ".join(f"{name} {version}" for name, version in about.versions.items())))
    pairs.append(("seeds", ", ".join(f"{name} {seed}" for name, seed in about.seeds.items())))
    return [(what, value) for what, value in pairs if value]


def _by_threads(rates, unit):
    return ", ".join(f"{rate:.0f} {unit} on {n} thread{'s' * (n != '1')}" for n, rate in rates.items())
