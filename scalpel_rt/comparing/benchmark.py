"""What pytest-benchmark kept, as Results: ``pytest benchmarks/… --benchmark-json FILE``.

``extra_info`` of each benchmark says what was run: shape (text), sparsity, format, isa, threads, gflops, gbs; ``who``
and ``rival`` where a library was timed beside our kernels.
"""

import json

from ..errors import FormatError, LimitError
from ..files import read_whole
from ..report.results import About, Entry, Machine, Results, Times

NEEDED = {"shape": str, "threads": int, "gflops": (int, float), "gbs": (int, float)}


def from_benchmark(path):
    """The Results in a JSON file of pytest-benchmark; FormatError where it is not one, or says too little."""
    try:
        held = json.loads(read_whole(path))
    except LimitError:
        raise
    except (ValueError, RecursionError) as error:
        raise FormatError(f"is not JSON: {error}", file=str(path)) from error
    try:
        with_info = [(b, b.get("extra_info") or {}) for b in held["benchmarks"]]
        about = _about(held, path)
        entries = [_entry(b, info) for b, info in with_info if "shape" in info]
    except FormatError as error:
        raise error.locate(file=str(path)) from None
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise FormatError(f"is not what pytest-benchmark writes: {type(error).__name__}: {error}",
                          file=str(path)) from error
    if not entries:
        raise FormatError('holds no benchmark whose "extra_info" says what was run', file=str(path))
    left = len(with_info) - len(entries)
    notes = [f"{left} benchmarks do not say what they ran, and are left out."] if left else []
    return Results(about, entries, notes=notes)


def _entry(benchmark, info):
    for key, kind in NEEDED.items():
        if not isinstance(info.get(key), kind) or isinstance(info[key], bool):
            raise FormatError(f"benchmark {benchmark['name']!r}: extra_info[{key!r}] is {info.get(key)!r}")
    stats, sparsity = benchmark["stats"], float(info.get("sparsity") or 0)
    median = float(stats["median"])
    ours = not info.get("rival")
    times = Times(median, float(stats["q1"]), float(stats["q3"]), int(stats["rounds"]))
    return Entry(benchmark.get("group") or info["shape"], _method(info, ours), ours, sparsity or None, info["threads"],
                 int(info.get("batch", 1)), times, 0, sparsity, 0, 0, round(1e9 * info["gbs"] * median),
                 round(0.5e9 * info["gflops"] * median), None, None)


def _method(info, ours):
    """"dense …" is what the others of the same group are compared with."""
    form = str(info.get("format") or "")
    dense = form == "dense" or not info.get("sparsity") and form not in ("csr", "group_in", "group_out")
    name = " ".join(str(v) for v in (form if form != "dense" else "", info.get("isa")) if v) if ours else info["who"]
    return f"dense {name}".strip() if dense else name


def _about(held, path):
    machine = held["machine_info"]
    cpu = machine.get("cpu") or {}
    commit = held.get("commit_info") or {}
    git = commit.get("id")
    return About(held["datetime"], f"scalpel-rt compare --from-benchmark {path}",
                 None if git is None else git[:12] + "+" * bool(commit.get("dirty")),
                 {"python": machine.get("python_version", ""), "pytest-benchmark": held.get("version", "")}, {}, {},
                 Machine(cpu.get("brand_raw") or machine.get("machine", "unknown"), machine.get("machine", "unknown"),
                         int(cpu.get("count") or 1)))
