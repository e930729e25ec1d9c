"""Whether anything became slower from one saved run to another.

    python -m benchmarks.compare [OLD.json NEW.json]      # default: the last two that `make bench` saved

Some of the work is not ours: other libraries' products, which every run measures too. As nothing of theirs changed,
the most that one of them slowed down is what this machine does to a run as a whole. A benchmark of ours counts as
slower when it slowed down by more than that, and what the medians' own noise allows, together. Exits with 1 if any did.
"""

import argparse
import sys
from dataclasses import dataclass

from scalpel_rt.errors import ScalpelError
from scalpel_rt.profile.timer import duration

from . import saved

FLOOR = 0.03        # less than this is never called slower


@dataclass(frozen=True)
class Change:
    """``ratio`` of the new median to the old; ``allowed`` what it may be."""

    name: str
    old: float
    new: float
    ratio: float
    allowed: float

    @property
    def slower(self):
        return self.ratio > self.allowed


def compare(old, new):
    """([Change] of what both runs hold and is ours, the worst first; what others' work slowed down by, as a share, or
    None where the runs share none of it)."""
    both = [(old[name], new[name], name) for name in old if name in new]
    others = [b.median / a.median - 1 for a, b, _ in both if a.info.get("rival")]
    drift = max([0.0, *others]) if others else None
    changes = []
    for a, b, name in both:
        if not a.info.get("rival"):
            allowed = 1 + max(FLOOR, (drift or 0.0) + a.noise + b.noise)
            changes.append(Change(name, a.median, b.median, b.median / a.median, allowed))
    return sorted(changes, key=lambda c: -c.ratio / c.allowed), drift


def main(argv=None):
    """Entry point; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__.split("\n\n")[0])
    parser.add_argument("runs", nargs="*", metavar="FILE", help="OLD NEW; default: the last two saved ones")
    args = parser.parse_args(argv)
    if len(args.runs) not in (0, 2):
        parser.error("give two files, or none")
    try:
        paths = args.runs or saved.latest(2)
        changes, drift = compare(*map(saved.read, paths))
    except (ScalpelError, OSError) as e:
        print(e, file=sys.stderr)
        return 2
    slower = [change for change in changes if change.slower]
    for change in slower:
        print(f"SLOWER {change.ratio:.2f}x (allowed {change.allowed:.2f}x)  {duration(change.old)} -> "
              f"{duration(change.new)}  {change.name}")
    said = "no others' work to hold it against" if drift is None else f"others' work slowed down by {drift:.1%} at most"
    faster = sum(change.ratio < 2 - change.allowed for change in changes)
    print(f"{paths[0]} -> {paths[1]}: {len(changes)} benchmarks, {len(slower)} slower, {faster} faster beyond the "
          f"noise; {said}")
    return 2 if not changes else int(bool(slower))


if __name__ == "__main__":
    sys.exit(main())
