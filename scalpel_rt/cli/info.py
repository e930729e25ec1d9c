"""scalpel-rt info: what a net is made of."""

from dataclasses import asdict

from ..graph import dump
from ._common import as_json, load, net_arguments, printable, run_arguments, si, table

SUMMARY = "Show a net's layers, shapes, parameters, multiply-adds and memory"
EXAMPLE = """  scalpel-rt info deploy.prototxt net.caffemodel
  scalpel-rt info deploy.prototxt --dot | dot -Tsvg > net.svg
  scalpel-rt info deploy.prototxt net.caffemodel --plan"""


def arguments(parser):
    """Declare the options."""
    net_arguments(parser)
    run_arguments(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="machine-readable output")
    form.add_argument("--dot", action="store_true", help="the graph for Graphviz")
    form.add_argument(
        "--plan", action="store_true", help="which kernel each step was given, and what the others would cost"
    )


def run(args):
    """Carry it out."""
    net = load(args)
    if args.dot:
        print(dump(net.graph, "dot"))
        return 0
    if args.plan:
        return _plan(net)
    summary = net.summary()
    if args.json:
        print(as_json(asdict(summary)))
        return 0
    rows = [
        (
            row.name,
            row.type,
            _shapes(row.top_shapes),
            _shapes(row.param_shapes),
            si(row.parameters) if row.parameters else "",
            si(row.multiply_adds) if row.multiply_adds else "",
        )
        for row in summary.layers
    ]
    print(table(rows, ("layer", "type", "tops", "parameters", "count", "mult-adds"), right=(4, 5)))
    print(
        f"\n{printable(summary.name or 'net')}: {len(rows)} layers, {si(summary.parameters)} parameters "
        f"({si(summary.parameter_bytes, 'B')}), "
        f"{si(summary.multiply_adds)} multiply-adds, {si(summary.activation_bytes, 'B')} of blobs"
    )
    for layer, note in summary.notes.items():
        print(printable(f"note: {layer}: {note}"))
    return 0


def _plan(net):
    rows = net.compile().explain()
    cells = []
    for row in rows:
        others = sorted((ns, symbol) for symbol, ns in row.costs.items() if symbol != row.kernel)
        cells.append(
            (
                row.layers,
                row.kind,
                row.size(),
                row.kernel,
                row.threads,
                f"{row.ns / 1e3:.1f}",
                ", ".join(f"{symbol} {ns / 1e3:.1f}" for ns, symbol in others[:3]),
            )
        )
    print(table(cells, ("layers", "kind", "output", "kernel", "threads", "us", "next best (us)"), right=(4, 5)))
    measured = sum(row.measured for row in rows)
    print(
        f"\n{len(rows)} steps; times are "
        + (
            "measured"
            if measured == len(rows)
            else "estimated"
            if not measured
            else f"measured for {measured}, estimated for the others"
        )
    )
    return 0


def _shapes(shapes):
    return " ".join("?" if s is None else "x".join(map(str, s)) or "scalar" for s in shapes)
