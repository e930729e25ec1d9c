"""Scalpel: profile the machine, choose for each layer how to prune it, prune and retrain until the accuracy is spent.

Source: Yu et al., "Scalpel: Customizing DNN Pruning to the Underlying Hardware Parallelism", ISCA 2017. There,
machines of low parallelism (microcontrollers) get SIMD-aware weight pruning in all layers, those of high parallelism
(GPUs) node pruning, and those between (CPUs) nodes in convolutions and groups in fully connected layers. For this
machine, measuring decides instead (:mod:`.pays`).
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .. import isa
from ..errors import OptionsError
from ..files import atomic_write, together
from ..graph.save import save_compact, save_net
from ..layers.inner_product import InnerProduct
from . import simd
from .couple import couple
from .nodes import removable
from .pays import pays
from .sizes import measure
from .weights import check_finite, weights

MACHINES = ("native", "low", "moderate", "high")
TECHNIQUES = ("nodes", "groups", "both", "none")

#: What can be expected to go without loss of accuracy, to weigh the techniques by: the share of weights in groups, and
#: of nodes. Near the middle of what the nets under models/ lost; a test compares them.
RATES = {"conv": {"groups": 0.7, "nodes": 0.35}, "fc": {"groups": 0.9, "nodes": 0.5}}

#: the rising pulls and sparsities that are tried, one after the other
PENALTIES = tuple(0.001 * 2 ** i for i in range(8))
SPARSITIES = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99)


@dataclass(frozen=True)
class Decision:
    """How one layer is to be pruned: ``technique`` is "nodes", "groups", "both" (nodes first) or "none"; ``why`` in
    words."""

    layer: str
    kind: str
    technique: str
    why: str


@dataclass(frozen=True, eq=False)
class Outcome:
    """What Scalpel did.

    net : Net
        The pruned net.
    accuracy, dense_accuracy : float
        Percent on the test data.
    machine : dict
        The level of parallelism, and what is known of the machine.
    decisions : list of Decision
    pays : {layer: Pay}; empty unless the machine was measured
    log : list of dict, one for each stage
    sizes : (Size of the net given, Size of the pruned one), by layer: ({layer: Size}, Size of all) each
    """

    net: object
    accuracy: float
    dense_accuracy: float
    machine: dict
    decisions: list
    pays: dict
    log: list
    sizes: tuple = field(repr=False)

    def as_dict(self):
        """Plain types, for JSON."""
        return {"accuracy": self.accuracy, "dense_accuracy": self.dense_accuracy, "machine": self.machine,
                "decisions": [asdict(d) for d in self.decisions],
                "pays": {name: {**asdict(pay), "crossover": {form: pay.crossover(form) for form in pay.sparse}}
                         for name, pay in self.pays.items()},
                "dense": _sizes(self.sizes[0]), "pruned": _sizes(self.sizes[1]), "log": self.log}

    def save(self, folder):
        """Write net.prototxt and net.caffemodel (for any Caffe), net.safetensors (compact), log.json and report.md;
        none before all of them are whole."""
        from .account import account

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        with together():
            save_net(self.net.graph, folder / "net.prototxt", folder / "net.caffemodel")
            save_compact(self.net.graph, folder / "net.safetensors")
            with atomic_write(folder / "log.json", "w") as file:
                json.dump(self.as_dict(), file, indent=1)
            with atomic_write(folder / "report.md", "w") as file:
                file.write(account(self))


def decide(graph, machine="native", *, width="native", axis=None, rates=None, approximate=False, options=None,
           progress=None, found=None):
    """Choose a technique for each convolution and fully connected layer.

    Parameters
    ----------
    graph : Graph
        At the input shapes that count.
    machine : "native", "low", "moderate" or "high"
        This one, measured; or how much parallelism it has.
    width : 2, 4, 8, 16 or "native"
        Of groups.
    axis : "in" or "out", optional
        Of groups; default "in", or what is faster where this machine is measured.
    rates : dict, optional
        Instead of :data:`RATES`.
    approximate : bool
        Also take nodes that an LRN across channels reads, as for :func:`scalpel_rt.pruning.nodes.prune`.
    options : Options, optional
        For measuring.
    progress : callable, optional
        Called with the name of each layer that is measured.
    found : {layer: Pay}, optional
        What was measured before, for other rates.

    Returns ([Decision], axis of groups, {layer: Pay}). By measuring, the fastest technique wins; where that is nodes,
    and groups beat dense as well, a layer loses nodes first and then groups.
    """
    if axis not in (None, *simd.AXES):
        raise OptionsError(f"axis must be one of {', '.join(simd.AXES)}, not {axis!r}")
    if machine not in MACHINES:
        raise OptionsError(f"machine must be one of {', '.join(MACHINES)}, not {machine!r}")
    check_finite(graph)
    coupling = couple(graph, approximate)
    kinds = {w.layer: "fc" if isinstance(_layer(graph, w.layer), InnerProduct) else "conv" for w in weights(graph)}
    stuck = {name: _why_not(coupling, name) for name in kinds}
    if machine != "native":
        return [_by_rule(name, kind, machine, stuck[name]) for name, kind in kinds.items()], axis or "in", {}
    rates = rates or RATES
    found = found or pays(graph, width=width, options=options, progress=progress)
    axis = axis or min(simd.AXES, key=lambda a: sum(pay.time(a, rates[pay.kind]["groups"]) for pay in found.values()))
    return [_by_measuring(pay, axis, rates[pay.kind], stuck[pay.layer]) for pay in found.values()], axis, found


def _why_not(coupling, name):
    """Why none of a layer's nodes can be removed; None where some can."""
    if name not in coupling.makers:
        return "they cannot be followed through the net"
    classes = coupling.makers[name]
    return None if removable(coupling, classes).any() else coupling.pinned[int(classes[0])]


def _layer(graph, name):
    return next(node.layer for node in graph.nodes if node.name == name)


def _by_rule(name, kind, machine, stuck):
    wanted = {"low": "groups", "high": "nodes", "moderate": "nodes" if kind == "conv" else "groups"}[machine]
    if wanted == "nodes" and stuck:
        wanted = "none" if machine == "high" else "groups"
        return Decision(name, kind, wanted, f"parallelism {machine}; its nodes cannot be removed: {stuck}")
    return Decision(name, kind, wanted, f"parallelism {machine}")


def _by_measuring(pay, axis, rates, stuck):
    times = {"none": pay.dense, "groups": pay.time(axis, rates["groups"])}
    if not stuck:
        times["nodes"] = pay.time("nodes", rates["nodes"])
    best = min(times, key=times.get)
    if best == "nodes" and times["groups"] < times["none"]:
        best = "both"
    said = [f"dense {pay.dense / 1e3:.1f} us", f"groups at {rates['groups']:.0%} {times['groups'] / 1e3:.1f} us"]
    said.append(f"its nodes cannot be removed: {stuck}" if stuck
                else f"without {rates['nodes']:.0%} of its nodes {times['nodes'] / 1e3:.1f} us")
    return Decision(pay.layer, pay.kind, best, ", ".join(said))


def scalpel(net, data, machine="native", *, test, budget=0.3, recipe=None, learn=None, width=None, axis=None,
            rates=None, approximate=False, penalties=PENALTIES, sparsities=SPARSITIES, settings=None, folder=None,
            progress=None, device="cpu"):
    """Prune a trained net for a machine; ``net`` stays as it is.

    Parameters
    ----------
    net : Net
    data, test : Dataset
        To retrain on, and to judge by.
    machine : "native", "low", "moderate" or "high"
        This one, measured; or how much parallelism it has: a microcontroller, a CPU, a GPU.
    budget : float
        Points of percent that the accuracy on ``test`` may lie below that of ``net``. Nodes may spend half of it, so
        that something is left for groups.
    recipe : Recipe, optional
        For retraining after each stage; default 10 epochs from a rate of 0.01 down a cosine.
    learn : Recipe, optional
        For learning which nodes are redundant; default 5 epochs at a rate of 0.001.
    width : 2, 4, 8, 16 or "native", optional
        Of groups; default 2 for machine "low" (16-bit pairs of a Cortex-M4), else "native".
    axis, rates, approximate :
        As for :func:`decide`.
    penalties, sparsities : sequences of float
        The stages: pulls on nodes, then shares of weights in groups. Each ladder is climbed until the budget is
        spent.
    settings : dict, optional
        Of :class:`~scalpel_rt.train.masks.NodeSettings`.
    folder : path, optional
        Keeps the state, so that a killed run goes on; see :func:`scalpel_rt.pruning.stages.prune_and_retrain`.
    progress : callable, optional
        Called with {"measuring": layer} while profiling, then as by ``prune_and_retrain``.
    device : str
        For torch.

    Returns an :class:`Outcome`.
    """
    from ..net import Net
    from ..train.recipe import Recipe
    from .stages import Stage, prune_and_retrain

    recipe = recipe or Recipe(epochs=10, lr=0.01, schedule="cosine")
    learn = learn or Recipe(epochs=5, lr=0.001)
    width = simd.check_width(width or (2 if machine == "low" else "native"))
    rates = rates or RATES
    asked = {"machine": machine, "width": width, "rates": rates, "approximate": approximate}
    kept = None if folder is None else _kept_decisions(Path(folder), asked, axis)
    if kept is None:
        tell = None if progress is None else lambda layer: progress({"measuring": layer})
        kept = decide(net.graph, machine, width=width, axis=axis, rates=rates, approximate=approximate,
                      options=net.options, progress=tell)
        if folder is not None:
            _keep_decisions(Path(folder), asked, kept)
    decisions, axis, found = kept
    by = {technique: [d.layer for d in decisions if d.technique in (technique, "both")]
          for technique in ("nodes", "groups")}
    stages = []
    if by["nodes"]:
        own = {"settings": settings} if settings else {}
        own |= {"approximate": True} if approximate else {}
        stages += [Stage("nodes", {"penalty": dict.fromkeys(by["nodes"], p), **own}, learn=learn, ladder="nodes",
                         budget=budget / 2 if by["groups"] else budget) for p in penalties]
    if by["groups"]:
        own = {"width": width, "axis": axis, "layers": by["groups"], "scope": "global"}
        stages += [Stage("simd", {"sparsity": s, **own}, ladder="groups") for s in sparsities]
    result = prune_and_retrain(net.graph, data, stages, recipe=recipe, test=test, budget=budget, folder=folder,
                               progress=progress, device=device)
    facts = {**asdict(isa.machine()), "quirks": sorted(isa.machine().quirks)}
    about = {"parallelism": machine, "width": width, "axis": axis, **(facts if machine == "native" else {})}
    return Outcome(Net(result.graph, net.options), result.accuracy, result.dense_accuracy, about, decisions, found,
                   result.log, (measure(net.graph), measure(result.graph)))


def _sizes(measured):
    layers, total = measured
    return {**asdict(total), "layers": {name: asdict(size) for name, size in layers.items()}}


def _keep_decisions(folder, asked, kept):
    """Measurements differ from run to run; a run that goes on must not decide otherwise than it began."""
    decisions, axis, found = kept
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_write(folder / "decisions.json", "w") as file:
        json.dump({**asked, "axis": axis, "decisions": [asdict(d) for d in decisions],
                   "pays": {name: asdict(pay) for name, pay in found.items()}}, file, indent=1)


def _kept_decisions(folder, asked, axis):
    from .pays import Pay

    path = folder / "decisions.json"
    if not path.exists():
        return None
    try:
        held = {"rates": RATES, "approximate": False, **json.loads(path.read_text())}    # which older runs do not say
        asked = {**asked, "axis": axis or held["axis"]}
        other = ", ".join(f"{name} {held[name]!r} instead of {value!r}" for name, value in asked.items()
                          if held[name] != value)
        if other:
            raise OptionsError(f"this folder holds a run with {other}; choose another folder, or empty it",
                               file=str(folder))
        found = {}
        for name, pay in held["pays"].items():
            pay["sparse"] = {form: {float(s): ns for s, ns in times.items()} for form, times in pay["sparse"].items()}
            pay["nodes"] = {float(s): ns for s, ns in pay["nodes"].items()}
            found[name] = Pay(**pay)
        return [Decision(**d) for d in held["decisions"]], held["axis"], found
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, OptionsError):
            raise
        raise OptionsError(f"is not what a run decided: {error}", file=str(path)) from None
