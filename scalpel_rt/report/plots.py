"""Pictures of Results, by Matplotlib: speed-ups, crossover curves, sizes, a roofline.

Colours are those of Okabe and Ito, which colour-blind people tell apart; each method also has its own marker, line and
hatching, so that nothing hangs on colour.
"""

import io

from ..errors import OptionsError
from ..files import atomic_path
from ..printable import printable
from .rows import layer_key, significant

BLUE, ORANGE, GREEN, PINK, SKY, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#7F7F7F"
VIOLET = "#7B52AB"
LOOKS = {   # method -> colour, marker, line, hatching
    "dense": (GREY, "o", "-", ""), "csr": (ORANGE, "s", "--", "//"), "scipy-csr": (RED, "v", ":", "\\\\"),
    "mkl-csr": (PINK, "^", ":", "xx"), "blas": (GREY, "X", ":", ".."), "simd": (BLUE, "D", "-", ""),
    "nodes": (SKY, "P", "-.", "++"), "scalpel": (GREEN, "*", "-", "oo"),
}
OTHERS = [(c, m, line, "") for line in ("--", ":") for c, m in zip(
    (PINK, SKY, ORANGE, RED, GREEN, BLUE, VIOLET), "<>hpdH8", strict=True)]

HEAVIEST = 6            # layers that get a crossover curve of their own
MOST_LAYERS = 30        # in the plot of layers: the slowest


def draw(results, name, net=None):
    """The Matplotlib figure of one of :data:`PLOTS`, or None where the results have nothing to show in it.

    ``net``: whose; default the first. Raises OptionsError for a name that there is not, or without Matplotlib.
    """
    if name not in PLOTS:
        raise OptionsError(f"there is no plot {name!r}; there are {', '.join(PLOTS)}")
    results, net = printable(results), printable(net)
    names = list(dict.fromkeys(e.net for e in results.entries))
    if net is not None and net not in names:
        raise OptionsError(f"the results hold no net {net!r}, but {', '.join(names) or 'none'}")
    entries = [e for e in results.entries if e.net == (net or (names or [None])[0])]
    if name == "nets" and net is None:
        entries = results.entries
    if not entries:
        return None
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as e:
        raise OptionsError("plots need Matplotlib: pip install 'scalpel-rt[report]'") from e
    with matplotlib.rc_context({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False,
                                "axes.titleweight": "bold", "axes.titlesize": 11, "hatch.linewidth": 0.5,
                                "text.parse_math": False}):
        figure = Figure(layout="constrained")
        return figure if PLOTS[name][0](figure, results, entries) else None


def picture(figure, form):
    """The bytes of a figure: "svg" (text stays text) or "png"."""
    import matplotlib

    out = io.BytesIO()
    # A fixed salt and no date: the same results give the same file.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "scalpel_rt"}):
        figure.savefig(out, format=form, dpi=150, metadata={"Date": None} if form == "svg" else None)
    return out.getvalue()


def save(results, path, name, net=None):
    """Write a plot to ``path``, whose ending says the form; OptionsError where there is nothing to show."""
    form = str(path).rpartition(".")[2].lower()
    if form not in ("svg", "png"):
        raise OptionsError(f"{path}: a plot is written as .svg or .png")
    figure = draw(results, name, net)
    if figure is None:
        raise OptionsError(f"the results hold nothing for the plot {name!r}")
    with atomic_path(path) as part, open(part, "wb") as file:
        file.write(picture(figure, form))


def describe(name):
    """What a plot shows, in words, for those who do not see it."""
    return PLOTS[name][1]


def _nets(figure, results, entries):
    """Bars of whole-net times, fastest on top, for the first number of threads and batch."""
    threads, batch = entries[0].threads, entries[0].batch
    names = list(dict.fromkeys(e.net for e in entries))
    figure.set_size_inches(8, sum(0.9 + 0.26 * len(_of(entries, n, threads, batch)) for n in names) + 0.5)
    heights = [1 + len(_of(entries, n, threads, batch)) for n in names]
    for ax, net in zip(figure.subplots(len(names), 1, height_ratios=heights, squeeze=False)[:, 0], names, strict=True):
        bars = sorted(_of(entries, net, threads, batch), key=lambda e: -e.times.median)
        factor, unit = _unit(bars[0].times.median)
        for y, e in enumerate(bars):
            color, _, _, hatch = _look(e.method, entries)
            low, middle, high = (factor * t for t in (e.times.low, e.times.median, e.times.high))
            ax.barh(y, middle, color=color, hatch=hatch, edgecolor="white", linewidth=0, height=0.75)
            ax.plot([low, high], [y, y], color="black", linewidth=1)
            faster = results.speedup(e)
            note = "" if faster is None or e.method == "dense" else f"  ({faster:.2f}×)"
            ax.annotate(f"{significant(middle)} {unit}{note}", (max(middle, high), y), xytext=(4, 0),
                        textcoords="offset points", va="center", fontsize=8)
        ax.set_yticks(range(len(bars)), [_title(e) for e in bars])
        ax.tick_params(axis="y", length=0)
        ax.set_xlim(0, 1.25 * factor * max(e.times.high for e in bars))
        ax.set_xlabel(f"time of one run ({unit}), median and quartiles; in brackets: times as fast as dense")
        ax.set_title(f"{net}, {_setting(threads, batch)}", loc="left")
    return True


def _layers(figure, results, entries):
    """Speed-up over dense of each layer, a marker for each method."""
    entries, threads, batch, sparsity = _one_setting(entries)
    base = next((e for e in entries if e.method == "dense"), None)
    if base is None or not base.layers:
        return False
    dense = {layer_key(layer): layer.times.median for layer in base.layers if layer.weights}
    heaviest = sorted(dense, key=lambda name: -dense[name])[:MOST_LAYERS]
    names = [name for name in reversed(dense) if name in heaviest]
    if not names:
        return False
    others = [e for e in entries if e is not base and e.layers]
    if not others:
        return False
    figure.set_size_inches(8, 1.4 + (0.1 + 0.07 * len(others)) * (len(names) + 1))
    ax = figure.subplots()
    for i, e in enumerate(others):
        aside = 0.7 * ((len(others) - 1) / 2 - i) / len(others)      # so that equals do not hide each other
        color, marker, _, _ = _look(e.method, results.entries)
        own = {layer_key(layer): layer.times.median for layer in e.layers}
        points = [(dense[n] / own[n], y + 1 + aside) for y, n in enumerate(names) if own.get(n)]
        points.append((base.times.median / e.times.median, aside))
        ax.plot(*zip(*points, strict=True), marker, color=color, alpha=0.9,
                label=e.method if sparsity else _title(e), markersize=10 if marker == "*" else 7,
                markeredgecolor="white", markeredgewidth=0.5)
    ax.axvline(1, color=GREY, linewidth=1)
    ax.hlines([y + 0.5 for y in range(len(names))], 0, 1, transform=ax.get_yaxis_transform(), color=GREY,
              linewidth=[0.8] + [0.3] * (len(names) - 1))
    _log_ticks(ax)
    ax.set_yticks(range(len(names) + 1), ["whole net", *names])
    ax.set_ylim(-0.5, len(names) + 0.5)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", linewidth=0.3)
    left, right = ax.get_xlim()
    ax.set_xlim(min(left, 0.8), max(right, 1.25))
    ax.axvspan(ax.get_xlim()[0], 1, color=GREY, alpha=0.12, linewidth=0)
    ax.set_xlabel(f"speed-up over dense (×, log scale; grey: slower than dense); {_setting(threads, batch)}")
    ax.set_title(f"{base.net}: each layer" + _asked(sparsity), loc="left")
    figure.legend(*ax.get_legend_handles_labels(), ncols=4, loc="outside lower center", frameon=False)
    return True


def _crossover(figure, results, entries):
    """Time over sparsity of the whole net and the heaviest layers, dense as a level line."""
    threads, batch = entries[0].threads, entries[0].batch
    entries = [e for e in entries if (e.threads, e.batch) == (threads, batch)]
    base = next((e for e in entries if e.method == "dense"), None)
    curves = {}
    for e in entries:
        if e.sparsity is not None:
            curves.setdefault(e.method, []).append(e)
    curves = {m: sorted(es, key=lambda e: e.sparsity) for m, es in curves.items() if len(es) > 1}
    if base is None or not curves:
        return False
    dense = {layer_key(layer): layer.times.median for layer in base.layers if layer.weights}
    panels = [None, *sorted(dense, key=lambda name: -dense[name])[:HEAVIEST - 1]]
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    figure.set_size_inches(2.6 * columns + 0.4, 2.4 * rows + 0.7)
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True).ravel()
    for ax, layer in zip(axes, panels, strict=False):
        level = base.times.median if layer is None else dense[layer]
        factor, unit = _unit(level)
        ax.axhline(level * factor, color=GREY, linewidth=1.5, label="dense")
        for method, es in curves.items():
            color, marker, line, _ = _look(method, results.entries)
            points = [(100 * e.sparsity, factor * _time_of(e, layer)) for e in es if _time_of(e, layer)]
            if points:
                ax.plot(*zip(*points, strict=True), marker=marker, linestyle=line, color=color, label=method,
                        markersize=5, linewidth=1.5)
        ax.set_title("whole net" if layer is None else layer, loc="left", fontsize=10)
        ax.set_yscale("log")
        _plain_ticks(ax.yaxis)
        ax.set_ylabel(f"time ({unit})")
        ax.grid(linewidth=0.3)
    for ax in axes[len(panels):]:
        ax.set_visible(False)
    for ax in axes[max(0, len(panels) - columns):len(panels)]:
        ax.set_xlabel("zeros asked for (%)")
        ax.tick_params(labelbottom=True)
    figure.suptitle(f"{base.net}: time over sparsity, {_setting(threads, batch)}", fontsize=11, fontweight="bold",
                    x=0.01, ha="left")
    figure.legend(*axes[0].get_legend_handles_labels(), ncols=7, loc="outside lower center", frameon=False, fontsize=9,
                  columnspacing=1.2)
    return True


def _size(figure, results, entries):
    """Bytes of the parameters, indices counted, over sparsity."""
    threads, batch = entries[0].threads, entries[0].batch
    entries = [e for e in entries if (e.threads, e.batch) == (threads, batch)]
    bars = [e for e in entries if e.bytes and (e.method == "dense" or e.bytes != e.dense_bytes)]
    if len(bars) < 2:
        return False
    bars.sort(key=lambda e: (-e.bytes, e.method))
    figure.set_size_inches(8, 1.0 + 0.26 * len(bars))
    ax = figure.subplots()
    factor, unit = (1e-6, "MB") if bars[0].bytes >= 1e6 else (1e-3, "kB")
    for y, e in enumerate(bars):
        color, _, _, hatch = _look(e.method, results.entries)
        ax.barh(y, factor * e.bytes, color=color, hatch=hatch, edgecolor="white", linewidth=0, height=0.75)
        gone = "" if e.method == "dense" else f"  ({100 * (e.bytes / e.dense_bytes - 1):+.1f} %)".replace("-", "−")
        ax.annotate(f"{significant(factor * e.bytes)} {unit}{gone}", (factor * e.bytes, y), xytext=(4, 0),
                    textcoords="offset points", va="center", fontsize=8)
    ax.set_yticks(range(len(bars)), [_title(e) for e in bars])
    ax.tick_params(axis="y", length=0)
    ax.set_xlim(0, 1.25 * factor * bars[0].bytes)
    ax.set_xlabel(f"parameters, every index counted ({unit}); in brackets: against dense")
    ax.set_title(f"{bars[0].net}: size", loc="left")
    return True


def _roofline(figure, results, entries):
    """GFLOP/s of each layer over its multiply-adds for a byte, under what the machine can do."""
    machine = results.about.machine
    entries, threads, batch, sparsity = _one_setting(entries)
    peak = machine.peak(threads)
    points = [(e, [(2 * layer.multiply_adds / layer.traffic, 2e-9 * layer.multiply_adds / layer.times.median, layer)
                   for layer in e.layers if layer.multiply_adds and layer.traffic and layer.times.median])
              for e in entries]
    points = [(e, found) for e, found in points if found]
    if peak is None or not machine.reading or not points:
        return False
    figure.set_size_inches(8, 5.2)
    ax = figure.subplots()
    xs = [x for _, found in points for x, _, _ in found]
    low, high = min(xs) / 2, max(max(xs) * 2, 2 * peak / min(machine.bandwidth(n, threads) for n in machine.reading))
    above = None
    for name in machine.reading:
        band = machine.bandwidth(name, threads)
        ax.plot([low, peak / band, high], [low * band, peak, peak], color=GREY, linewidth=1, zorder=1)
        crowded = above is not None and band > 0.6 * above      # two labels do not fit between the lines
        ax.annotate(f"{name} {band:.0f} GB/s", (low, low * band), xytext=(14, -1) if crowded else (3, 6), fontsize=8,
                    textcoords="offset points", va="top" if crowded else "bottom")
        above = band
    ax.annotate(f"peak {peak:.0f} GFLOP/s ({machine.isa})", (high, peak), xytext=(-3, 4), ha="right",
                textcoords="offset points", fontsize=8)
    for e, found in points:
        color, marker, _, _ = _look(e.method, results.entries)
        ax.plot([x for x, _, _ in found], [y for _, y, _ in found], marker, color=color, alpha=0.9,
                label=e.method if sparsity else _title(e), markersize=9 if marker == "*" else 6,
                markeredgecolor="white", markeredgewidth=0.5)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(low, high)
    _plain_ticks(ax.xaxis)
    _plain_ticks(ax.yaxis)
    ax.grid(linewidth=0.3)
    ax.set_xlabel("operations for each byte of weights, inputs and outputs (log scale)")
    ax.set_ylabel("GFLOP/s, zeros not counted (log scale)")
    ax.set_title(f"{entries[0].net}: layers under the roof{_asked(sparsity)}, {_setting(threads, batch)}", loc="left")
    figure.legend(*ax.get_legend_handles_labels(), ncols=4, loc="outside lower center", frameon=False)
    return True


#: name -> (what draws it, what it shows)
PLOTS = {
    "nets": (_nets, "Bars: the time of one run of the whole net for each method and engine, the slowest lowest"),
    "layers": (_layers, "A marker for each layer and method: speed-up over the dense layer; left of 1 it is slower"),
    "crossover": (_crossover, "Lines: time over the share of zeros for each method, against dense as a level line; "
                              "where a line falls below it, pruning begins to pay"),
    "size": (_size, "Bars: bytes of the parameters for each method, every index counted"),
    "roofline": (_roofline, "A marker for each layer and method: operations a second over operations for each byte, "
                            "under the limits of arithmetic and memory"),
}


def _of(entries, net, threads, batch):
    return [e for e in entries if (e.net, e.threads, e.batch) == (net, threads, batch)]


def _one_setting(entries):
    """(entries of the first threads and batch, of each method those that are dense and the one of the sparsity nearest
    90 %; threads, batch; sparsity, where all have the same, else None)."""
    threads, batch = entries[0].threads, entries[0].batch
    entries = [e for e in entries if (e.threads, e.batch) == (threads, batch)]
    nearest = {}
    for e in sorted((e for e in entries if e.sparsity is not None), key=lambda e: -abs(e.sparsity - 0.9)):
        nearest[e.method] = e.sparsity
    shown = [e for e in entries if e.sparsity in (None, nearest.get(e.method))]
    same = set(nearest.values())
    return shown, threads, batch, same.pop() if len(same) == 1 else None


def _time_of(entry, layer):
    """Seconds of the whole net, or of a layer by its key; None where it is not there."""
    if layer is None:
        return entry.times.median
    return next((x.times.median for x in entry.layers if layer_key(x) == layer), None)


def _look(method, entries):
    if method in LOOKS:
        return LOOKS[method]
    others = [m for m in dict.fromkeys(e.method for e in entries) if m not in LOOKS]
    return OTHERS[others.index(method) % len(OTHERS)]


def _title(entry):
    return entry.method if entry.sparsity is None else f"{entry.method} {100 * entry.sparsity:g} %"


def _asked(sparsity):
    return f", {100 * sparsity:g} % zeros asked for" if sparsity else ""


def _setting(threads, batch):
    return f"{threads} thread{'s' * (threads != 1)}, batch {batch}"


def _unit(seconds):
    """(factor, unit) that suits a time."""
    return (1e3, "ms") if seconds >= 1e-3 else (1e6, "µs")


def _log_ticks(ax):
    ax.set_xscale("log")
    _plain_ticks(ax.xaxis)


def _plain_ticks(axis):
    """1, 2, 5, 10 … as plain numbers on a log axis."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(base=10, subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())
