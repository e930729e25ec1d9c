"""Results as text for a terminal (by rich) and as CSV."""

import csv
import io

from ..errors import OptionsError
from ..printable import printable
from .rows import LAYERS, NETS, conditions, layer_rows, losing_rows, net_rows, shown, titled, used

MOST_LOSERS = 20

#: what fits a terminal; CSV and HTML have all
NET_KEYS = ("net", "method", "sparsity", "threads", "batch", "ms", "spread", "speedup", "zeros", "bytes", "removed",
            "gflops", "of_peak", "of_bound", "accuracy")
LAYER_KEYS = ("net", "layer", "method", "sparsity", "threads", "batch", "us", "speedup", "zeros", "bytes", "gflops",
              "of_peak", "of_bound", "kernel")
#: left out first where the terminal is narrow
LESS = ("gflops", "of_peak", "spread", "kernel", "zeros", "of_bound", "removed")
ENDLESS = 10_000


def text(results, width=None, layers=False, color=False):
    """Tables as text: circumstances, whole nets, layers where sparse loses, what was left out; and, if asked for, all
    layers.

    ``width``: characters in a line, None = as many as it takes; a narrow one leaves columns out, never digits;
    ``color``: with escape codes.
    """
    try:
        from rich.console import Console
        from rich.measure import Measurement
        from rich.table import Table
    except ImportError as e:
        raise OptionsError("tables need rich: pip install 'scalpel-rt[report]'") from e
    results, out = printable(results), io.StringIO()
    console = Console(file=out, width=width or ENDLESS, force_terminal=color, color_system="auto" if color else None,
                      highlight=False, markup=False)

    def show(title, columns, keys, rows):
        columns = used([c for c in columns if c.key in keys], rows)
        same = [c for c in columns if c.key in ("net", "threads", "batch") and len({row[c.key] for row in rows}) == 1]
        columns = [c for c in columns if c not in same]
        title = ", ".join([title, *(f"{c.title} {shown(c, rows[0][c.key])}" for c in same)])
        made, left_out = table(title, columns, rows), []
        for key in LESS:
            if Measurement.get(console, console.options.update(max_width=ENDLESS), made).maximum <= console.width:
                break
            left_out += [c.title for c in columns if c.key == key]
            columns = [c for c in columns if c.key != key]
            made = table(title, columns, rows)
        console.print(made)
        if left_out:
            console.print(f"Left out for want of room: {', '.join(left_out)}.")
        console.print()

    def table(title, columns, rows):
        made = Table(title=title, title_justify="left", title_style="bold", box=_box(), pad_edge=False)
        for c in columns:
            made.add_column(c.title + (f"\n{c.unit}" if c.unit else ""), justify="right" if c.digits else "left",
                            no_wrap=bool(c.digits) or c.key == "method", overflow="fold")
        for row in rows:
            slow = row["speedup"] is not None and row["speedup"] < 1
            made.add_row(*(shown(c, row[c.key]) for c in columns), style="red" if slow else None)
        return made

    for what, value in conditions(results):
        console.print(f"{what}: {value}")
    console.print()
    if results.entries:
        show("Whole nets", NETS, NET_KEYS, net_rows(results))
    if layers:
        show("Layers", LAYERS, LAYER_KEYS, layer_rows(results))
    losing = losing_rows(results)
    if losing:
        more = f", the worst {MOST_LOSERS} of {len(losing)}" if len(losing) > MOST_LOSERS else ""
        show(f"Layers where pruning loses to dense{more}", LAYERS, LAYER_KEYS, losing[:MOST_LOSERS])
    elif any(e.layers and e.sparsity for e in results.entries):
        console.print("No layer was slower pruned than dense.\n")
    for title, left in (("Refused, not timed", results.refused), ("Skipped", results.skipped)):
        for item in left:
            console.print(f"{title}: {item.what}: {item.why}", style="bold red" if title[0] == "R" else "")
    for note in results.notes:
        console.print(note)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()).rstrip() + "\n"


def csv_text(results, layers=False):
    """The table of whole nets, or of layers, as CSV: a header of keys, numbers in full (times in the keys' unit)."""
    columns, rows = (LAYERS, layer_rows(results)) if layers else (NETS, net_rows(results))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([c.key for c in columns])
    writer.writerows([["" if row[c.key] is None else row[c.key] for c in columns] for row in rows])
    return out.getvalue()


def markdown(results, keys=("method", "sparsity", "threads", "batch", "ms", "speedup", "bytes", "removed", "accuracy")):
    """A table for a README: of one net, a row for each way (``keys`` of the columns); of several nets, a row for each
    net with speed-ups of all methods, and what Scalpel removed."""
    rows = net_rows(printable(results))
    nets = list(dict.fromkeys(row["net"] for row in rows))
    if len(nets) > 1:
        return _by_net(rows, nets)
    columns = used([c for key in keys for c in NETS if c.key == key], rows)
    columns = [c for c in columns if c.key not in ("threads", "batch") or len({row[c.key] for row in rows}) > 1]
    return _marked([titled(c) for c in columns], [[shown(c, row[c.key]) for c in columns] for row in rows],
                   [bool(c.digits) for c in columns])


def _by_net(rows, nets):
    """The first number of threads and batch, one sparsity for each method: the one nearest 90 %."""
    rows = [row for row in rows if (row["threads"], row["batch"]) == (rows[0]["threads"], rows[0]["batch"])]
    table = {}
    for row in sorted(rows, key=lambda row: -abs((row["sparsity"] or 0) - 0.9)):
        table[row["net"], row["method"]] = row
    methods = [m for m in dict.fromkeys(row["method"] for row in rows) if m != "dense"]
    pruned = [m for m in methods if any(row["method"] == m and row["zeros"] for row in rows)]
    column = {c.key: c for c in NETS}

    def cell(net, method, key):
        row = table.get((net, method))
        return "" if row is None or row[key] is None else shown(column[key], row[key])

    head = ["net", "dense (ms)", *(f"{m} (×)" for m in methods), *(f"{m}: bytes removed (%)" for m in pruned[-1:])]
    lines = [[net, cell(net, "dense", "ms"), *(cell(net, m, "speedup") for m in methods),
              *(cell(net, m, "removed") for m in pruned[-1:])] for net in nets]
    return _marked(head, lines, [False] + [True] * (len(head) - 1))


def _marked(head, lines, right):
    marks = "|" + "|".join(" ---: " if r else " --- " for r in right) + "|"
    rows = ["| " + " | ".join(_cell(text) for text in line) + " |" for line in (head, *lines)]
    return "\n".join([rows[0], marks, *rows[1:]]) + "\n"


def _cell(text):
    """Text that Markdown shows as it is, in a table: no markup, no line of its own."""
    text = text.replace("&", "&amp;").replace("<", "&lt;")
    return "".join(f"\\{c}" if c in "\\`*_[]|" else c for c in text)


def _box():
    from rich import box

    return box.SIMPLE_HEAD
