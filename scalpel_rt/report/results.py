"""What was measured, as plain data, and its file: JSON of the schema that docs/results.md describes.

Nothing here is derived: ratios, rates and shares are worked out from these numbers when they are shown
(:mod:`.rows`), so a file cannot contradict itself.
"""

import json
import re
import types
import typing
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from functools import cache

import numpy as np

from ..errors import FormatError, ScalpelError
from ..files import atomic_write, read_whole

MOST = 2.0**63                             # of any number; beyond, reckoning with them has no bounds
THREADS = re.compile(r"[1-9][0-9]{0,5}")   # counts of threads are keys, and so are text
FORMAT, VERSION = "scalpel_rt results", 1


@dataclass(frozen=True)
class Times:
    """Seconds of one run: median, first and third quartile over ``runs`` runs."""

    median: float
    low: float
    high: float
    runs: int


@dataclass(frozen=True)
class Layer:
    """One step of a net: a layer with what was fused into it, their names joined by "+".

    ``kernel``: what ran it, where that is known. ``weights``: how many the dense net has there, ``zeros`` the share of
    them that is zero or gone. ``bytes``: of the weights as the kernel reads them, every index counted, and ``traffic``
    these and the layer's inputs and outputs. ``multiply_adds``: those with a weight that is not zero, for the batch.
    """

    name: str
    kind: str
    kernel: str | None
    weights: int
    zeros: float
    bytes: int
    traffic: int
    multiply_adds: int
    times: Times


@dataclass(frozen=True)
class Entry:
    """One way of running one net, with one number of threads and one batch.

    ``method``: "dense", "csr", "simd" … or a peer's name; ``ours``: whether this library's kernels ran it;
    ``sparsity``: the share of zeros that was asked for, None for the dense net. ``weights``, ``zeros``,
    ``multiply_adds`` as for a Layer. ``bytes``: of the parameters as this way stores them, indices counted;
    ``dense_bytes``: of the dense net's. ``traffic``: of all layers, None where they are not known. ``error``: greatest
    difference from the reference, over the greatest magnitude there. ``accuracy``: percent.
    """

    net: str
    method: str
    ours: bool
    sparsity: float | None
    threads: int
    batch: int
    times: Times
    weights: int
    zeros: float
    bytes: int
    dense_bytes: int
    traffic: int | None
    multiply_adds: int
    error: float | None
    accuracy: float | None
    layers: list[Layer] = field(default_factory=list)


@dataclass(frozen=True)
class Machine:
    """Where it was measured, as :mod:`scalpel_rt.profile.machine` found it.

    ``isa``: the instruction set that was used; ``gflops``: {threads: peak in GFLOP/s}, a multiply-add being two;
    ``reading``: {"L1", "L2", "L3", "DRAM": {threads: GB/s}}; ``size``: {"L1" …: bytes, for one core}. Threads are text,
    as JSON wants keys. Without a measurement the first two are empty.
    """

    name: str
    isa: str
    cores: int
    gflops: dict[str, float] = field(default_factory=dict)
    reading: dict[str, dict[str, float]] = field(default_factory=dict)
    size: dict[str, int] = field(default_factory=dict)

    def peak(self, threads):
        """GFLOP/s of so many threads, or None."""
        return _between(self.gflops, threads)

    def level(self, nbytes, threads):
        """The level of memory that holds ``nbytes``, of which each thread reads its share; None if none is known."""
        for name in ("L1", "L2", "L3"):
            shared = 1 if name == "L3" else threads
            if name in self.reading and nbytes <= shared * self.size.get(name, 0):
                return name
        return "DRAM" if "DRAM" in self.reading else None

    def bandwidth(self, level, threads):
        """GB/s that so many threads read together from a level, or None."""
        return _between(self.reading.get(level, {}), threads)


@dataclass(frozen=True)
class About:
    """How it was measured: ``made`` (ISO 8601), the command, ``git`` (commit of the source, or None), versions of
    packages, seeds, settings (anything JSON can hold)."""

    made: str
    command: str
    git: str | None
    versions: dict[str, str]
    seeds: dict[str, int]
    settings: dict[str, object]
    machine: Machine


@dataclass(frozen=True)
class Left:
    """Something that was not timed: a peer that is not installed (skipped), an output that is wrong (refused)."""

    what: str
    why: str


@dataclass(frozen=True)
class Results:
    """Everything that one command measured. ``notes``: what a reader should know, one sentence each."""

    about: About
    entries: list[Entry]
    skipped: list[Left] = field(default_factory=list)
    refused: list[Left] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def baseline(self, entry):
        """The Entry of the dense net that a speed-up of ``entry`` is over: the same net, threads and batch; or None."""
        same = [e for e in self.entries if (e.net, e.threads, e.batch) == (entry.net, entry.threads, entry.batch)
                and e.method.partition(" ")[0] == "dense"]
        return min(same, key=lambda e: e.times.median, default=None)

    def speedup(self, entry):
        """How many times as fast as its baseline; None where there is none."""
        base = self.baseline(entry)
        return None if base is None or not entry.times.median else base.times.median / entry.times.median

    def save(self, path):
        """Write the JSON file, atomically."""
        with atomic_write(path, "w") as file:
            json.dump({"format": FORMAT, "version": VERSION, **asdict(self)}, file, indent=1, allow_nan=False)

    def _repr_html_(self):
        from .html import fragment

        return fragment(self)


def read(path):
    """The Results in a file; FormatError that names the file and the place in it where something is wrong."""
    try:
        return from_dict(json.loads(read_whole(path)))
    except (ValueError, RecursionError) as error:
        if isinstance(error, ScalpelError):
            raise error.locate(file=str(path)) from None
        raise FormatError(f"is not JSON: {error}", file=str(path)) from error


def from_dict(data):
    """The same from what JSON gave."""
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise FormatError(f'is no file of results: "format" is not "{FORMAT}"')
    if data.get("version") != VERSION:
        raise FormatError(f"holds results of version {data.get('version')!r}; this release reads {VERSION}")
    return _checked(Results, {k: v for k, v in data.items() if k not in ("format", "version")}, "results")


def _checked(kind, value, where):
    """``value`` as ``kind``, a type as dataclass fields are annotated with."""
    if is_dataclass(kind):
        return _object(kind, value, where)
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType:
        if value is None:
            return None
        return _checked(next(a for a in args if a is not types.NoneType), value, where)
    if origin is list:
        _must(isinstance(value, list), where, "a list", value)
        return [_checked(args[0], v, f"{where}[{i}]") for i, v in enumerate(value)]
    if origin is dict:
        _must(isinstance(value, dict), where, "an object", value)
        return {k: _checked(args[1], v, f"{where}.{k}") for k, v in value.items()}
    if kind is object:
        return value
    if kind in (int, float):
        _must(isinstance(value, int if kind is int else (int, float)) and not isinstance(value, bool), where,
              "a whole number" if kind is int else "a number", value)
        _must(0 <= value < MOST, where, "a number of at least 0, below 2^63", value)
        return kind(value)
    _must(isinstance(value, kind), where, {str: "text", bool: "true or false"}[kind], value)
    return value


def _object(kind, value, where):
    _must(isinstance(value, dict), where, "an object", value)
    hints = _hints(kind)
    for name in value:
        if name not in hints:
            raise FormatError(f"{where} has a field {name!r} that there is not")
    missing = [f.name for f in fields(kind) if f.name not in value]
    if missing:
        raise FormatError(f"{where} lacks the field {missing[0]!r}")
    return kind(**{name: _checked(hints[name], v, f"{where}.{name}") for name, v in value.items()})


@cache
def _hints(kind):
    return typing.get_type_hints(kind)


def _must(good, where, what, value):
    if not good:
        shown = json.dumps(value)
        raise FormatError(f"{where} must be {what}, not {shown if len(shown) < 60 else shown[:57] + '...'}")


def _between(rates, threads):
    """Between the counts of threads that were measured, in a straight line; beyond, the nearest."""
    known = {int(n): rate for n, rate in rates.items() if THREADS.fullmatch(n)}
    return float(np.interp(threads, sorted(known), [known[n] for n in sorted(known)])) if known else None
