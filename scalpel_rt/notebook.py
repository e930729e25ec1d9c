"""Tables as pieces of HTML: what notebooks show of our objects."""

from html import escape


def page_part(header, rows, right, text):
    """A <table> with ``text`` below it; columns in ``right`` are flushed right."""
    def line(cells, tag):
        made = "".join(f'<{tag} style="text-align: {"right" if i in right else "left"}">{escape(str(cell))}</{tag}>'
                       for i, cell in enumerate(cells))
        return f"<tr>{made}</tr>"

    return (f'<table><thead>{line(header, "th")}</thead><tbody>{"".join(line(row, "td") for row in rows)}</tbody>'
            f'</table><pre>{escape(text)}</pre>')


def plan_part(plan):
    """The steps of a plan: which kernel does what, what it should take, and the next best."""
    rows, total = [], 0.0
    for row in plan.explain():
        others = sorted((ns, symbol) for symbol, ns in row.costs.items() if symbol != row.kernel)
        known = row.ns == row.ns        # nobody knows it of layers that only Python runs
        total += row.ns if known else 0.0
        second = f"{others[0][1]} {others[0][0] / 1e3:.1f}" if others else ""
        rows.append((row.layers, row.kind, row.size("×"), row.kernel, row.threads,
                     f"{row.ns / 1e3:.1f}" if known else "", second))
    return page_part(("layers", "kind", "output", "kernel", "threads", "µs", "next best (µs)"), rows, {4, 5},
                     f"{len(rows)} steps, {total / 1e3:.1f} µs on one thread as far as is known")


def net_part(net):
    """The layers of a net: shapes, parameters, zeros among them, multiply-adds."""
    summary, by_name = net.summary(), {node.name: node for node in net.layers}
    rows = []
    for row in summary.layers:
        arrays = [p.array for p in by_name[row.name].params] if row.parameters else []
        zeros = sum(a.size - int((a != 0).sum()) for a in arrays)
        rows.append((row.name, row.type, " ".join(_shape(s) for s in row.top_shapes),
                     f"{row.parameters:,}" if row.parameters else "",
                     f"{100 * zeros / row.parameters:.1f}" if row.parameters else "",
                     f"{row.multiply_adds:,}" if row.multiply_adds else ""))
    return page_part(("layer", "type", "tops", "parameters", "zeros (%)", "mult-adds"), rows, {3, 4, 5},
                     f"{summary.name or 'net'}: {len(rows)} layers, {summary.parameters:,} parameters, "
                     f"{summary.multiply_adds:,} multiply-adds")


def _shape(shape):
    return "?" if shape is None else "×".join(map(str, shape)) or "scalar"
