"""A roofline plot: each step between what the arithmetic and what the memory of this machine allows.

S. Williams, A. Waterman, D. Patterson: "Roofline: an insightful visual performance model", 2009.
"""

from pathlib import Path

import numpy as np

from ..errors import OptionsError, UnsupportedError
from ..files import atomic_path

# Told apart by colour-blind readers too (Okabe and Ito), and by marker.
LOOKS = {"conv": ("#0072B2", "o"), "conv, Winograd": ("#CC79A7", "D"), "fc": ("#D55E00", "s"),
         "deconv": ("#009E73", "^")}
ROOFS = {"L1": ":", "L2": "-.", "L3": (0, (5, 2)), "DRAM": (0, (9, 2))}
NAMED = 6           # steps that are named: those that take longest


def plot_roofline(profile, path):
    """Write a plot of a :class:`.steps.Profile` to a ``.png``, ``.svg`` or ``.pdf`` file.

    Steps without a matrix have no place in it. OptionsError for another ending or when no step has a matrix,
    UnsupportedError without matplotlib.
    """
    ending = check_ending(path)
    steps = [step for step in profile.steps if step.row.multiply_adds and step.nbytes]
    if not steps:
        raise OptionsError("no step of this net multiplies by weights, there is nothing to plot")
    try:
        from matplotlib.figure import Figure
    except ImportError as e:
        raise UnsupportedError(f"plots need matplotlib (pip install 'scalpel-rt[report]'): {e}") from e
    figure = Figure(figsize=(8, 5.2), dpi=150, layout="constrained")
    axes = figure.subplots()
    work = np.array([2 * step.row.multiply_adds / step.nbytes for step in steps])
    rate = np.array([step.gflops for step in steps])
    span = np.array([min(work.min(), 0.25) / 2, max(work.max(), 64) * 2])
    _roofs(axes, profile, span)
    _points(axes, profile, steps, work, rate)
    axes.set(xscale="log", yscale="log", xlim=span, xlabel="work: FLOP for each byte of weights, indices and values",
             ylabel="GFLOP/s, of a direct product with the weights that are kept",
             ylim=(min(rate.min(), 4.0) / 4, max(rate.max(), profile.peaks.gflops(threads=profile.threads)) * 1.8))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:g}")
    axes.set_title(f"{profile.name or 'net'}: {len(steps)} steps with weights, {profile.threads} "
                   f"thread{'s' * (profile.threads > 1)}, {profile.peaks.machine.name}; areas: shares of the time",
                   fontsize=10)
    axes.grid(True, which="major", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.legend(loc="lower right", fontsize=8, framealpha=0.95, ncols=2)
    with atomic_path(path) as part:
        figure.savefig(part, format=ending)


def check_ending(path):
    """``png``, ``svg`` or ``pdf``; OptionsError for other files."""
    ending = Path(path).suffix.lower()[1:]
    if ending not in ("png", "svg", "pdf"):
        raise OptionsError(f"a plot is written to a .png, .svg or .pdf file, not {Path(path).name!r}")
    return ending


def _roofs(axes, profile, span):
    peak = profile.peaks.gflops(threads=profile.threads)
    x = np.geomspace(*span, 400)
    for name, rates in profile.peaks.reading.items():
        gbs = float(np.interp(profile.threads, sorted(rates), [rates[n] for n in sorted(rates)]))
        here = name == profile.memory
        axes.plot(x, np.minimum(gbs * x, peak), color="black" if here else "#888888", linewidth=1.8 if here else 1.0,
                  linestyle="-" if here else ROOFS[name], zorder=1 + here,
                  label=f"{name} {gbs:.0f} GB/s{', where this net runs from' * here}")
    axes.annotate(f"{peak:.0f} GFLOP/s", (span[0], peak), xytext=(4, 3), textcoords="offset points", fontsize=8)


def _points(axes, profile, steps, work, rate):
    looks = ["conv, Winograd" if "winograd" in step.row.kernel else step.row.kind for step in steps]
    for look, (colour, marker) in LOOKS.items():
        mine = [i for i, mine in enumerate(looks) if mine == look]
        if mine:
            sizes = [25 + 400 * steps[i].share for i in mine]
            axes.scatter(work[mine], rate[mine], s=sizes, c=colour, marker=marker, alpha=0.8, edgecolors="white",
                         linewidths=0.6, label=look, zorder=3)
    longest = sorted(range(len(steps)), key=lambda i: -steps[i].share)[:NAMED]
    middle = np.sqrt(work.min() * work.max())
    for number, i in enumerate(sorted(longest, key=lambda i: rate[i])):
        name, right = steps[i].row.layers.split("+")[0], work[i] > middle
        axes.annotate(f"{name} {100 * steps[i].share:.0f} %", (work[i], rate[i]), fontsize=7.5, zorder=4,
                      xytext=(-9 if right else 9, -9 if number % 2 else 4), textcoords="offset points",
                      ha="right" if right else "left")
