"""Our kernels over their rivals, from a saved run of ``bench_kernels.py -k rivals``.

    python -m benchmarks.ratios [FILE.json]       # default: the last one that was saved

Each cell is how many times as long the rival takes, with the figure that we aim at in brackets; the bound is bytes over
the speed of the memory that holds them for products with a vector, multiply-adds over the peak for convolutions.
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


def _ratio(rival, ours):
    return rival and rival.median / ours.median


def _cell(value, aim, form="{:.1f}"):
    said = "-" if value is None else form.format(value)
    return f"{said} ({form.format(aim)})" if aim is not None else said


def main(argv=None):
    """Entry point; returns the exit status."""
    argv = sys.argv[1:] if argv is None else argv
    try:
        found = rows(saved.read(argv[0] if argv else saved.latest(1)[0]))
    except (ScalpelError, OSError) as e:
        print(e, file=sys.stderr)
        return 2
    if not found:
        print("no rivals were measured: pytest benchmarks/bench_kernels.py -k rivals --benchmark-json FILE",
              file=sys.stderr)
        return 2
    cells = [(work, duration(ours), _cell(scipy, aims["scipy_csr"]), _cell(mkl, aims["mkl_csr"]),
              _cell(dense, aims["dense"]), which or "",
              _cell(100 * bound, aims["bound"] and 100 * aims["bound"], "{:.0f} %"))
             for work, ours, scipy, mkl, dense, which, bound, aims in found]
    print(table(cells, ("work", "ours", "over SciPy CSR", "over MKL CSR", "over best dense", "which", "of the bound"),
                range(1, 7)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
