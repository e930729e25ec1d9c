"""Reading what pytest-benchmark saved."""

import json
from dataclasses import dataclass
from pathlib import Path

from scalpel_rt.errors import FormatError

FOLDER = Path(".benchmarks")


@dataclass(frozen=True)
class Entry:
    """One benchmark: ``median`` in seconds, ``noise`` how far it may be off, as a share of it; ``info`` is its
    extra_info."""

    name: str
    group: str
    median: float
    noise: float
    info: dict


def read(path):
    """{full name: Entry} of a file; FormatError for one that pytest-benchmark did not write."""
    try:
        held = json.loads(Path(path).read_text(encoding="utf-8"))
        found = {b["fullname"]: Entry(b["name"], b.get("group") or "", float(b["stats"]["median"]), _noise(b),
                                      b.get("extra_info") or {}) for b in held["benchmarks"]}
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        raise FormatError(f"is not a file of pytest-benchmark: {e!r}", file=str(path)) from e
    if not all(entry.median > 0 for entry in found.values()):
        raise FormatError("holds a benchmark that took no time", file=str(path))
    return found


def _noise(benchmark):
    """As our timer says; for others' entries half the notch of a box plot."""
    said = (benchmark.get("extra_info") or {}).get("noise")
    stats = benchmark["stats"]
    return float(said) if said is not None else 1.57 * stats["iqr"] / stats["rounds"] ** 0.5 / stats["median"]


def latest(count):
    """The paths of the last ``count`` saved runs, oldest first; FormatError when there are fewer."""
    found = sorted(FOLDER.glob("*/*.json"), key=lambda path: path.stat().st_mtime)
    if len(found) < count:
        raise FormatError(f"holds {len(found)} saved run(s), {count} are needed: make bench", file=str(FOLDER))
    return found[-count:]
