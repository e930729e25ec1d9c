"""The CPU line of the Scalpel paper, and what this machine makes of it on the same five nets.

Source: Yu et al., "Scalpel: Customizing DNN Pruning to the Underlying Hardware Parallelism", ISCA 2017. On an Intel
Core i7-6700, one thread, over dense MKL, on average of five nets: traditional pruning with MKL's compressed rows 1.06
times as fast, Scalpel 2.61 times and 82 % smaller.

Where nets pruned and retrained come with the package, they are run. Else the rates are the published ones, on random
weights, which times and bytes do not mind: of traditional pruning those of Han et al. (NIPS 2015, tables 2 to 4), of
nodes and groups those of the authors' own release of Scalpel; where neither says anything, ``SUPPOSED``.
"""

import json
import statistics

from .. import isa, peers, zoo
from ..api import load
from ..net import Net
from ..options import Options
from ..pruning import magnitude, nodes, simd
from ..pruning.weights import apply_masks
from ..report.results import Left, Results
from .about import about
from .measure import Clock
from .methods import Way, layer_kinds, prunable
from .nets import named
from .run import PREPARING, contest, parts
from .work import Workload

NETS = ("lenet_300_100", "lenet5", "convnet", "nin", "alexnet")

PAPER = {"traditional": 1.06, "scalpel": 2.61, "removed": 0.82}

SUPPOSED = 0.7
#: share of zeros of each layer by traditional pruning
TRADITIONAL = {"lenet_300_100": (0.92, 0.91, 0.74), "lenet5": (0.34, 0.88, 0.92, 0.81),
               "alexnet": (0.16, 0.62, 0.65, 0.63, 0.63, 0.91, 0.91, 0.75)}
#: feature maps that Scalpel leaves of each convolution
NODES = {"lenet5": (9, 18), "convnet": (28, 22, 40), "nin": (117, 81, 62, 183, 123, 148, 91, 54),
         "alexnet": (83, 225, 233, 238, 253)}
#: share of zeros of each fully connected layer by Scalpel, in groups of 8
GROUPS = {"lenet_300_100": (0.92, 0.92, 0.92), "lenet5": (0.968, 0.968), "alexnet": (0.93, 0.91, 0.75)}
WIDTH = 8


def paper(names=NETS, *, threads=(1,), engines=(), seconds=10.0, seed=0, command=None, progress=None):
    """Results of the five nets, dense, traditionally pruned and by Scalpel; ``notes`` hold the comparison.

    Parameters as for :func:`scalpel_rt.compare`, of which each net is one; ``names`` among :data:`NETS`.
    """
    skipped, entries, refused, sources = [], [], [], []
    usable = [name for name in ("mkl_csr", "scipy_csr", "blas", *engines) if _there(name, skipped)]
    each = [PREPARING * seconds, *parts(threads, (1,), seconds)]
    clock = Clock(progress, each * len(names))
    for i, name in enumerate(names):
        if i:
            clock.next()
        clock.tell(f"{name}: pruning")
        net, note = named(name)
        # On a CPU, Scalpel prunes nodes of convolutions and groups elsewhere: groups alone where there are none.
        groups_only = "conv" not in layer_kinds(net.graph).values()
        traditional, found, known = _pruned(name, net, ["magnitude"], _traditional)
        scalpel, found_too, known_too = _pruned(name, net, ["scalpel", *["simd"] * groups_only], _scalpel)
        sources.append(f"{name}: {note or 'trained weights.'} Traditional: {found}. Scalpel: {found_too}.")
        ways = [Way("dense", None, net, "dense"), *(Way(n, None, net, n) for n in usable if n not in peers.SPARSE)]
        share, share_too = _zeros(traditional, net), _zeros(scalpel, net)
        accuracies = {("scalpel", share_too): known_too, **{(m, share): known for m in ("csr", "scipy-csr", "mkl-csr")}}
        if note is None:
            accuracies.update({(m, None): _accuracy(name, "dense") for m in ("dense", *usable)})
        ways += [Way("csr", share, traditional, "csr"),
                 *(Way(n.replace("_", "-"), share, traditional, n) for n in usable if n in peers.SPARSE)]
        ways.append(Way("scalpel", share_too, scalpel, "auto"))
        made, wrong, unable = contest(net, ways, list(threads), [1], seed=seed, seconds=seconds,
                                      options=Options(tune=True), clock=clock, accuracies=accuracies)
        entries, refused, skipped = entries + made, refused + wrong, skipped + unable
    settings = {"nets": list(names), "threads": list(threads), "seconds": seconds, "engines": list(engines),
                "methods": [n.replace("_", "-") for n in usable if n in peers.PRODUCTS]}
    results = Results(about(command or "scalpel_rt.comparing.paper", {"input": seed, "weights": 0}, settings,
                            isa.active()), entries, skipped, refused, [])
    results.notes.extend([*account(results), *sources])
    return results


def account(results):
    """The paper's line and ours, as sentences."""
    lines = ["The paper (Core i7-6700, one thread, dense MKL = 1, mean of five nets): traditional pruning "
             f"{PAPER['traditional']} times as fast, Scalpel {PAPER['scalpel']} times and "
             f"{100 * PAPER['removed']:.0f} % smaller."]
    threads = results.entries[0].threads if results.entries else 1
    by_net = {}
    for entry in results.entries:
        if entry.threads == threads:
            by_net.setdefault(entry.net, {})[entry.method] = entry
    for base, what in (("blas", "dense as im2col and NumPy's BLAS, the nearest to the paper's baseline"),
                       ("dense", "our dense kernels")):
        means = []
        for method, title in (("mkl-csr", "traditional by MKL's compressed rows"),
                              ("scipy-csr", "traditional by SciPy's compressed rows"),
                              ("csr", "traditional by our kernels"), ("scalpel", "Scalpel")):
            ratios = [own[base].times.median / own[method].times.median for own in by_net.values()
                      if base in own and method in own]
            if ratios:
                means.append(f"{title} {statistics.fmean(ratios):.2f} times (least {min(ratios):.2f}, "
                             f"most {max(ratios):.2f})")
        if means:
            lines.append(f"Here, over {what}, mean of {len(by_net)} nets, {threads} thread{'s' * (threads > 1)}: "
                         + "; ".join(means) + ".")
    gone = {method: [1 - own[method].bytes / own[method].dense_bytes for own in by_net.values() if method in own]
            for method in ("scipy-csr", "scalpel")}
    if all(gone.values()):
        scalpel, rows = (100 * statistics.fmean(gone[method]) for method in ("scalpel", "scipy-csr"))
        lines.append(f"Bytes removed, every index counted, mean: Scalpel {scalpel:.0f} %, traditional as 32-bit "
                     f"compressed rows {rows:.0f} %.")
    for method in ("mkl-csr", "scipy-csr"):
        slower = [net for net, own in by_net.items() if "blas" in own and method in own
                  and own[method].times.median > own["blas"].times.median]
        if any(method in own for own in by_net.values()):
            lines.append(f"That traditional pruning can lose to dense is {'shown' if slower else 'not seen'} here with "
                         f"{method}: {', '.join(slower) + ' run slower pruned' if slower else 'no net ran slower'}.")
    lines.append("What differs: the processor, the dense baseline, and the weights and rates where nothing retrained "
                 "comes along, as said below. Layers without weights are ours in every way but that of engines.")
    return lines


def _there(name, skipped):
    why = peers.find(name).missing()
    if why is not None:
        skipped.append(Left(name.replace("_", "-"), why))
    return why is None


def _pruned(name, net, variants, otherwise):
    """(Net, where it is from, its accuracy or None): the first of ``variants`` that comes along, or one made here by
    ``otherwise``."""
    for variant in variants:
        shipped = zoo.path(name) / f"{variant}.safetensors"
        if shipped.is_file():
            return load(shipped), f"pruned and retrained, as it comes along ({shipped.name})", _accuracy(name, variant)
    return *otherwise(name, net), None


def _accuracy(name, variant):
    """Percent on the full test data, as the package says that it was measured; None where it does not."""
    try:
        held = json.loads((zoo.folder() / "measured.json").read_text(encoding="utf-8"))
        return float(held[name][variant]["accuracy"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _traditional(name, net):
    layers = [w.layer for w in prunable(net.graph)]
    rates = TRADITIONAL.get(name) or (SUPPOSED,) * len(layers)
    graph = apply_masks(net.graph, magnitude.masks(net.graph, sparsity=dict(zip(layers, rates, strict=True))))
    return Net(graph, net.options), ("the rates of Han et al., not retrained" if name in TRADITIONAL else
                                     f"{100 * SUPPOSED:.0f} % of each layer, supposed, not retrained")


def _scalpel(name, net):
    graph, kinds = net.graph, layer_kinds(net.graph)
    keep = NODES.get(name, ())
    if keep:
        convs = [layer for layer, kind in kinds.items() if kind == "conv"]
        graph = nodes.prune(graph, keep=dict(zip(convs, keep, strict=False)), approximate=True)
    rates = GROUPS.get(name)
    if rates:
        fc = [layer for layer, kind in kinds.items() if kind == "fc"]
        graph = apply_masks(graph, simd.masks(graph, width=WIDTH, axis="in",
                                              sparsity=dict(zip(fc, rates, strict=True))))
    return Net(graph, net.options), ("the structure and rates of the authors' release (nodes in convolutions, groups "
                                     f"of {WIDTH} in fully connected layers), not retrained")


def _zeros(pruned, net):
    """Share of the weights of ``net`` that are gone from or zero in ``pruned``, to a thousandth."""
    return round(Workload(pruned.graph, net.graph).zeros, 3)
