"""Ours over their rivals, from a saved run of the benchmarks of kernels (``-k rivals``), layers and nets.

    python -m benchmarks.ratios [FILE.json]       # default: the last one that was saved

Each cell is how many times as long the rival takes. For kernels the figure that we aim at stands in brackets; the bound
is bytes over the speed of the memory that holds them for products with a vector, multiply-adds over the peak for
convolutions. Layers and nets are held against the best of the dense engines, with 90 % zeros against DeepSparse, too.
"""

import sys

from scalpel_rt.cli._common import table
from scalpel_rt.errors import ScalpelError
from scalpel_rt.profile.timer import duration

from . import saved

DENSE = ("blas", "torch", "torch_conv")


def rows(entries):
    """[(work, our time, over SciPy's CSR, over MKL's, over the best dense, which that is, share of the bound)]."""
    works = {}
    for entry in entries.values():
        if "who" in entry.info:
            works.setdefault(entry.group, {})[entry.info["who"]] = entry
    found = []
    for work, by in works.items():
        if "ours" not in by:
            continue
        ours = by["ours"]
        aims = ours.info["aims"]
        best = min((by[name] for name in DENSE if name in by), key=lambda entry: entry.median, default=None)
        found.append((work, ours.median, *(_ratio(by.get(name), ours) for name in ("scipy_csr", "mkl_csr")),
                      _ratio(best, ours), best and best.info["who"], ours.info["of_bound"], aims))
    return found


def races(entries):
    """[(net or layer, our dense time, the best dense engine, which that is, our best time with zeros, DeepSparse's)]:
    what ``bench_layers.py`` and ``bench_nets.py`` measured; None for what is not there."""
    groups = {}
    for entry in entries.values():
        if entry.info.get("who") not in (None, "ours"):
            groups.setdefault(entry.group, {})[entry.info["who"]] = entry
    found = []
    for group, by in groups.items():
        if "dense" not in by:
            continue
        engines = {who: e.median for who, e in by.items() if e.info["rival"] and who != "deepsparse"}
        best = min(engines, key=engines.get, default=None)
        sparse = [e.median for e in by.values() if not e.info["rival"] and e.info["sparsity"]]
        found.append((group, by["dense"].median, engines.get(best), best, min(sparse, default=None),
                      by["deepsparse"].median if "deepsparse" in by else None))
    return found


def _ratio(rival, ours):
    return rival and rival.median / ours.median


def _cell(value, aim, form="{:.1f}"):
    said = "-" if value is None else form.format(value)
    return f"{said} ({form.format(aim)})" if aim is not None else said


def main(argv=None):
    """Entry point; returns the exit status."""
    argv = sys.argv[1:] if argv is None else argv
    try:
        entries = saved.read(argv[0] if argv else saved.latest(1)[0])
    except (ScalpelError, OSError) as e:
        print(e, file=sys.stderr)
        return 2
    kernels, others = rows(entries), races(entries)
    if not kernels and not others:
        print("no rivals were measured: pytest benchmarks/bench_kernels.py -k rivals --benchmark-json FILE",
              file=sys.stderr)
        return 2
    if kernels:
        print(table([(work, duration(ours), _cell(scipy, aims["scipy_csr"]), _cell(mkl, aims["mkl_csr"]),
                      _cell(dense, aims["dense"]), which or "",
                      _cell(100 * bound, aims["bound"] and 100 * aims["bound"], "{:.0f} %"))
                     for work, ours, scipy, mkl, dense, which, bound, aims in kernels],
                    ("work", "ours", "over SciPy CSR", "over MKL CSR", "over best dense", "which", "of the bound"),
                    range(1, 7)))
    if others:
        print(table([(what, duration(dense), _over(engine, dense), which or "", sparse and duration(sparse) or "-",
                      _over(engine, sparse), _over(deepsparse, sparse))
                     for what, dense, engine, which, sparse, deepsparse in others],
                    ("what", "dense", "over best engine", "which", "90 % zeros", "over best engine", "over DeepSparse"),
                    range(1, 7)))
    return 0


def _over(rival, ours):
    return f"{rival / ours:.2f}" if rival and ours else "-"


if __name__ == "__main__":
    sys.exit(main())
