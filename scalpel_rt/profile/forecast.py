"""Will it pay? For each layer the sparsity from which on it is worth while, for the whole net what it would gain.

Everything is measured on this machine, layer by layer (:mod:`scalpel_rt.pruning.pays`), before anything is pruned or
trained.
"""

from dataclasses import dataclass, replace

import numpy as np

from ..errors import OptionsError
from ..options import Options
from ..pruning.pays import SHARES, pays
from .steps import prepare
from .timer import duration

FORMS = {"csr": "single weights (CSR)", "in": "groups 1×w", "out": "groups w×1"}
RATES = (0.5, 0.7, 0.8, 0.9, 0.95)
RUNS = 20               # of the dense net, to time the steps that have no weights


@dataclass(frozen=True)
class Forecast:
    """What pruning would buy, at one thread and the net's present input shapes.

    Attributes
    ----------
    name : str
        The net's.
    width : int
        Of groups.
    layers : {layer: Pay}
        Nanoseconds of each layer with weights: see :class:`scalpel_rt.pruning.pays.Pay`.
    rest : float
        Nanoseconds of all steps without weights.
    rates : tuple of float
        Sparsities to predict the whole net at.
    """

    name: str
    width: int
    layers: dict
    rest: float
    rates: tuple

    @property
    def dense(self):
        """Nanoseconds of the whole net, dense."""
        return self.rest + sum(pay.dense for pay in self.layers.values())

    def net(self, form, rate):
        """Nanoseconds of the whole net when every layer with weights has that sparsity.

        ``form`` is "csr", "in", "out", "best" (of the three, for each layer), or "nodes", for which ``rate`` is the
        share of nodes that goes from each layer (None beyond the largest share that was measured). A layer that would
        be slower is counted dense: plans choose so too.
        """
        if form == "nodes":
            if rate > max(SHARES):
                return None
            times = [pay.time("nodes", rate) for pay in self.layers.values()]
        else:
            forms = FORMS if form == "best" else (form,)
            times = [min(pay.time(f, rate) for f in forms) for pay in self.layers.values()]
        return self.rest + sum(min(t, pay.dense) for t, pay in zip(times, self.layers.values(), strict=True))

    def crossovers(self):
        """{layer: {form: sparsity (for "nodes": share) from which on it beats dense, or None}}."""
        return {name: {form: pay.crossover(form) for form in (*FORMS, "nodes")} for name, pay in self.layers.items()}

    def as_dict(self):
        """For JSON; times in seconds."""
        crossovers = self.crossovers()
        return {
            "net": self.name, "width": self.width, "dense": 1e-9 * self.dense, "rest": 1e-9 * self.rest,
            "layers": [{"layer": name, "kind": pay.kind, "dense": 1e-9 * pay.dense, "crossover": crossovers[name],
                        "sparse": {form: {str(s): 1e-9 * ns for s, ns in points.items()}
                                   for form, points in pay.sparse.items()},
                        "nodes": {str(s): 1e-9 * ns for s, ns in pay.nodes.items()}}
                       for name, pay in self.layers.items()],
            "forecast": [{"form": form, "rate": rate, "seconds": 1e-9 * ns, "speedup": self.dense / ns}
                         for form in (*FORMS, "best", "nodes") for rate in self._rates(form)
                         for ns in [self.net(form, rate)]]}

    def table(self):
        """(header, rows, columns to be flushed right): a row a layer, from what sparsity on each form beats dense, and
        what the best of them gains at each rate."""
        header = ("layer", "kind", "dense", *self._names(), "without nodes",
                  *(f"best at {100 * rate:g} %" for rate in self.rates))
        short = {form: name.removeprefix("groups ") for form, name in zip(FORMS, self._names(), strict=True)}
        rows = []
        for name, crossover in self.crossovers().items():
            pay = self.layers[name]
            gains = [(pay.dense / min(pay.time(form, rate) for form in FORMS),
                      min(FORMS, key=lambda form, rate=rate, pay=pay: pay.time(form, rate))) for rate in self.rates]
            rows.append((name, pay.kind, duration(1e-9 * pay.dense),
                         *(_from(at, pay, form) for form, at in crossover.items()),
                         *(f"{gain:.1f}x {short[form]}" if gain > 1 else "dense" for gain, form in gains)))
        return header, rows, range(2, len(header))

    def net_table(self):
        """(header, rows, columns to be flushed right): a row a form, the whole net at each rate."""
        header = ("whole net", "dense", *(f"{100 * rate:g} %" for rate in self.rates))
        names = {**dict(zip(FORMS, self._names(), strict=True)), "best": "best of each layer",
                 "nodes": "without nodes"}
        rows = []
        for form, name in names.items():
            cells = []
            for rate in self.rates:
                ns = self.net(form, rate)
                cells.append("" if ns is None else f"{duration(1e-9 * ns)} {self.dense / ns:.2f}x")
            rows.append((name, duration(1e-9 * self.dense), *cells))
        return header, rows, range(1, len(header))

    def _names(self):
        return [name.replace("w", str(self.width)) if form != "csr" else "CSR" for form, name in FORMS.items()]

    def _rates(self, form):
        return [rate for rate in self.rates if form != "nodes" or rate <= max(SHARES)]

    def _repr_html_(self):
        from ..notebook import page_part

        return page_part(*self.net_table(), "") + page_part(*self.table(), "")


def forecast(net, sparsity=RATES, *, width="native", layers=None, options=None, progress=None):
    """Measure what sparsity would buy; a :class:`Forecast`.

    Parameters
    ----------
    net : scalpel_rt.net.Net
        With its weights; it stays as it is.
    sparsity : sequence of float
        Between 0 and 1: to predict the whole net at.
    width : 2, 4, 8, 16 or "native"
        Weights in a group.
    layers : iterable of str, optional
        Only these; the others count as they are.
    options : Options, optional
        Of which the instruction set counts; one thread is used.
    progress : callable, optional
        Called with a layer's name before it is measured.

    Takes about a second for a million weights, the first time. OptionsError for a sparsity out of range; errors as for
    :func:`scalpel_rt.pruning.pays.pays`.
    """
    from ..pruning import simd

    sparsity = tuple(sparsity)
    if not sparsity or not all(0 < rate < 1 for rate in sparsity):
        raise OptionsError(f"sparsities lie between 0 and 1, not {', '.join(map(str, sparsity)) or 'nowhere'}")
    options = replace(options or net.options or Options(), threads=1, tune=True)
    found = pays(net.graph, width=width, layers=layers, options=options, progress=progress)
    plan, arrays = prepare(net, replace(options, weights="dense"), None)
    runs = [plan.timed(*arrays) for _ in range(RUNS)]
    times = np.median([[ns for _, ns in run] for run in runs], axis=0)
    rest = sum(ns for (row, _), ns in zip(runs[0], times, strict=True) if not set(row.layers.split("+")) & set(found))
    return Forecast(net.name, simd.check_width(width), found, float(rest), sparsity)


def _from(crossover, pay, form):
    if crossover is None:
        return "never"
    least = min(pay.nodes if form == "nodes" else pay.sparse[form])
    return f"{'≤ ' * (crossover == least)}{100 * crossover:.0f} %"
