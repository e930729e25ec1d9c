"""Results as one HTML page that needs nothing else: tables to sort and filter, plots, circumstances.

It is made to be read on a phone, in the dark, and by a screen reader: real tables with captions and headers, plots that
say in words what they show, no colour without a sign beside it.
"""

import re
from html import escape
from pathlib import Path

from ..errors import OptionsError
from ..printable import printable
from . import plots
from .rows import LAYERS, NETS, conditions, layer_rows, losing_rows, net_rows, shown, significant, used

#: columns that are shown at first, on a phone too
ESSENTIAL = {"net", "layer", "method", "sparsity", "threads", "batch", "ms", "us", "speedup", "bytes", "removed",
             "accuracy"}
FILTERS = ("net", "method", "sparsity", "threads", "batch", "kind")
_HERE = Path(__file__).parent


def page(results):
    """The page as text. Without Matplotlib it has no plots."""
    results = printable(results)
    sections = [_table("nets", "Whole nets", NETS, net_rows(results))] if results.entries else []
    pictures = _plots(results)
    if pictures:
        sections.append(("plots", "Plots", pictures))
    layers = layer_rows(results)
    if layers:
        losing = losing_rows(results)
        sections.append(_table("losing", "Layers where pruning loses to dense", LAYERS, losing) if losing else
                        ("losing", "Layers where pruning loses to dense",
                         "<p>None: no layer was slower pruned than dense.</p>"))
        sections.append(_table("layers", "Layers", LAYERS, layers))
    for key, title, left in (("refused", "Refused: a wrong output, so not timed", results.refused),
                             ("skipped", "Skipped", results.skipped)):
        if left:
            items = "".join(f"<li><b>{escape(x.what)}</b>: {escape(x.why)}</li>" for x in left)
            sections.append((key, title, f'<ul class="{key}">{items}</ul>'))
    sections.append(("how", "How it was measured", _conditions(results)))
    title = escape(_title(results))
    links = "".join(f'<li><a href="#{key}">{escape(name)}</a></li>' for key, name, _ in sections)
    body = "\n".join(f'<section id="{key}" aria-labelledby="{key}-h"{" data-table" * ("<form" in inner)}>'
                     f'<h2 id="{key}-h">{escape(name)}</h2>\n{inner}</section>' for key, name, inner in sections)
    said = "".join(f"<li>{escape(line)}</li>" for line in [*results.notes, *summary(results)])
    lead = f'<ul class="lead">{said}</ul>' if said else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{_HERE.joinpath("page.css").read_text(encoding="utf-8")}</style>
</head>
<body>
<a class="skip" href="#{sections[0][0]}">Skip to the results</a>
<header><h1>{title}</h1>
{lead}
<nav aria-label="Sections"><ul>{links}</ul></nav></header>
<main>
{body}
</main>
<script>
{_HERE.joinpath("page.js").read_text(encoding="utf-8")}</script>
</body>
</html>
"""


def fragment(results):
    """The table of whole nets, as a notebook shows it."""
    results = printable(results)
    rows = net_rows(results)
    columns = used([c for c in NETS if c.key in ESSENTIAL], rows)
    head = "".join(f"<th>{escape(c.title)}{f'<br><small>{escape(c.unit)}</small>' if c.unit else ''}</th>"
                   for c in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(shown(c, row[c.key]))}</td>" for c in columns) + "</tr>"
                   for row in rows)
    lines = "".join(f"<p>{escape(line)}</p>" for line in summary(results))
    left = "".join(f"<p>{what}: {escape(x.what)}: {escape(x.why)}</p>" for what, items in
                   (("Refused", results.refused), ("Skipped", results.skipped)) for x in items)
    return f"<div>{lines}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{left}</div>"


def summary(results):
    """What came out, a sentence for each net: the fastest pruned way of ours, and how many layers lost."""
    lines = []
    for net in dict.fromkeys(e.net for e in results.entries):
        own = [e for e in results.entries if e.net == net]
        pruned = [e for e in own if e.ours and e.zeros and e.method != "dense" and results.speedup(e)]
        if not pruned:
            continue
        best = max(pruned, key=results.speedup)
        base = results.baseline(best)
        lines.append(
            f"{net}: {best.method} with {100 * best.zeros:.0f} % of the weights gone runs in "
            f"{significant(1e3 * best.times.median)} ms, dense in {significant(1e3 * base.times.median)} ms: "
            f"{results.speedup(best):.2f} times as fast"
            + (f", and {100 * (1 - best.bytes / best.dense_bytes):.0f} % smaller " if best.dense_bytes else " ") +
            f"({best.threads} thread{'s' * (best.threads != 1)}, batch {best.batch}).")
        slower = [e for e in own if e.zeros and results.speedup(e) and results.speedup(e) < 1 and e.sparsity]
        if slower:
            lines.append(f"{net}: slower than dense although pruned: "
                         + ", ".join(f"{e.method} at {100 * e.sparsity:g} %" for e in slower[:8])
                         + (f" and {len(slower) - 8} more" if len(slower) > 8 else "") + ".")
    return lines


def _title(results):
    names = list(dict.fromkeys(e.net for e in results.entries))
    return f"{', '.join(names[:5]) or 'Nothing'}{' …' * (len(names) > 5)}: measured on {results.about.machine.name}"


def _table(key, title, columns, rows):
    """(key, title, HTML) of a section with a table, its filters and its column headers to sort by."""
    columns = used(columns, rows)
    same = [c for c in columns if c.key in ("net", "threads", "batch") and len({row[c.key] for row in rows}) == 1]
    columns = [c for c in columns if c not in same]
    columns.sort(key=lambda c: c.key not in ("layer", "method"))        # the header of each row comes first
    if columns[0].key == "method" and any(c.key == "layer" for c in columns):
        columns.insert(0, columns.pop(next(i for i, c in enumerate(columns) if c.key == "layer")))
    caption = f"{len(rows)} rows" + "".join(f", {c.title} {escape(shown(c, rows[0][c.key]))}" for c in same)
    heads = "".join(f'<th scope="col" class="{_classes(c)}" title="{escape(c.about)}"><button type="button">'
                    f'{escape(c.title)}</button>{f"""<span class="unit">{escape(c.unit)}</span>""" if c.unit else ""}'
                    f"</th>" for c in columns)
    lines = []
    for row in rows:
        cells = []
        for i, c in enumerate(columns):
            value = row[c.key]
            sort = f' data-value="{value!r}"' if c.digits and value is not None else ""
            look = _classes(c)
            if c.key == "speedup" and value and row.get("zeros", 0) is not None:     # None: a layer without weights
                look += " lose" if value < 1 else " win"
            tag, scope = ("th", ' scope="row"') if i == 0 else ("td", "")
            cells.append(f'<{tag}{scope} class="{look}"{sort}>{escape(shown(c, value))}</{tag}>')
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return key, title, f"""{_form(key, columns, rows)}
<div class="scroll" role="region" aria-labelledby="{key}-h" tabindex="0"><table class="essential">
<caption>{caption}</caption>
<thead><tr>{heads}</tr></thead>
<tbody>
{chr(10).join(lines)}
</tbody></table></div>"""


def _classes(column):
    return " ".join((["n"] if column.digits else []) + ([] if column.key in ESSENTIAL else ["more"]))


def _form(key, columns, rows):
    fields = [f'<label for="{key}-q">Search<input type="search" id="{key}-q"></label>']
    for i, c in enumerate(columns):
        values = list(dict.fromkeys(shown(c, row[c.key]) for row in rows if row[c.key] is not None))
        if c.key in FILTERS and len(values) > 1:
            options = "".join(f"<option>{escape(v)}</option>" for v in values)
            fields.append(f'<label for="{key}-{c.key}">{escape(c.title)}{f" ({c.unit})" if c.unit else ""}'
                          f'<select id="{key}-{c.key}" data-column="{i}"><option value="">any</option>{options}'
                          "</select></label>")
    if any(c.key not in ESSENTIAL for c in columns):
        fields.append(f'<label class="row" for="{key}-all"><input type="checkbox" id="{key}-all">all columns</label>')
    return f'<form hidden>{"".join(fields)}<span role="status" class="hidden"></span></form>'


def _plots(results):
    """Figures for all plots of all nets that there is something for; "" without Matplotlib."""
    found = []
    nets = list(dict.fromkeys(e.net for e in results.entries))
    for name in plots.PLOTS:
        for i, net in enumerate([None] if name == "nets" else nets):
            try:
                figure = plots.draw(results, name, net)
            except OptionsError:
                return ""
            if figure is not None:
                found.append(_figure(plots.picture(figure, "svg").decode(), f"{name}-{i}",
                                     f"{net or 'All nets'}: {name}", plots.describe(name)))
    return "\n".join(found)


def _figure(svg, key, title, words):
    """An SVG file as part of a page: ids of its own, the page's colours, words for those who do not see it."""
    svg = svg[svg.index("<svg"):]
    svg = re.sub(r'<metadata>.*?</metadata>', "", svg, flags=re.S)
    svg = re.sub(r'\bid="', f'id="{key}-', svg)
    svg = re.sub(r'(url\(#|href="#)', rf"\g<1>{key}-", svg)
    svg = svg.replace("#000000", "currentColor").replace("fill: #ffffff", "fill: none")
    head = (f' xmlns:xlink="http://www.w3.org/1999/xlink" xmlns="http://www.w3.org/2000/svg" role="img" '
            f'aria-labelledby="{key}-t {key}-d"><title id="{key}-t">{escape(title)}</title>'
            f'<desc id="{key}-d">{escape(words)}. The tables hold the numbers.</desc>')
    svg = re.sub(r"<svg\b[^>]*?(viewBox=\"[^\"]*\")[^>]*>", lambda found: f"<svg {found[1]}{head}", svg, count=1)
    return (f'<figure><div class="scroll" role="region" tabindex="0" aria-label="{escape(title)}">{svg}</div>'
            f"<figcaption>{escape(words)}.</figcaption></figure>")


def _conditions(results):
    pairs = conditions(results) + [(what, _said(value)) for what, value in results.about.settings.items()
                                   if value not in (None, [], ())]
    return "<dl>" + "".join(f"<dt>{escape(what)}</dt><dd>{escape(value)}</dd>" for what, value in pairs) + "</dl>"


def _said(value):
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
