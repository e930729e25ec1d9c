"""scalpel-rt kernels: what was built in, what runs here."""

from collections import Counter

from .. import isa
from ..runtime import _kernels
from ._common import as_json, table

SUMMARY = "List the kernels of this build and the instruction sets of this machine"
EXAMPLE = "  scalpel-rt kernels --json"


def arguments(parser):
    """Declare the options."""
    parser.add_argument("--json", action="store_true", help="machine-readable output, every kernel by name")


def run(args):
    """Carry it out."""
    kernels = _kernels.kernels()
    levels = [
        {"isa": level, "runs_here": level in isa.runnable(), "active": level == isa.active()}
        for level in isa.built_in()
    ]
    if args.json:
        print(as_json({"levels": levels, "kernels": [k._asdict() for k in kernels]}))
        return 0
    print(
        table(
            [
                (
                    x["isa"],
                    "yes" if x["runs_here"] else "no",
                    "*" if x["active"] else "",
                    sum(k.isa == x["isa"] for k in kernels),
                )
                for x in levels
            ],
            ("level", "runs here", "active", "kernels"),
            right=(3,),
        )
    )
    counts = Counter((k.kind, k.form, k.isa) for k in kernels)
    names = [x["isa"] for x in levels]
    rows = [
        (kind, form, *(counts[kind, form, n] or "-" for n in names))
        for kind, form in dict.fromkeys((k.kind, k.form) for k in kernels)
    ]
    print()
    print(table(rows, ("kind", "form", *names), right=range(2, 2 + len(names))))
    return 0
