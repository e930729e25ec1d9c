"""The ways to run a net that are compared: how each is pruned, what runs it, what its weights then take."""

import math
from dataclasses import dataclass, replace

import numpy as np

from .. import peers
from ..errors import OptionsError
from ..graph import summarize
from ..layers.convolution import Convolution
from ..layers.inner_product import InnerProduct
from ..net import Net
from ..pruning import magnitude, nodes, simd
from ..pruning.scalpel import decide
from ..pruning.sizes import measure
from ..pruning.weights import apply_masks, weights

#: method -> (how the net is pruned, what runs it: our kernels for a kind of weights, or a peer, a word about it)
METHODS = {
    "dense": (None, "dense", "the net as it is, our dense kernels"),
    "csr": ("single", "csr", "single weights of least magnitude zeroed (traditional), our kernels for compressed rows"),
    "scipy-csr": ("single", "scipy_csr", "the same weights, convolutions as im2col and SciPy's compressed rows"),
    "mkl-csr": ("single", "mkl_csr", "the same weights, convolutions as im2col and MKL's compressed rows"),
    "blas": (None, "blas", "the net as it is, convolutions as im2col and NumPy's BLAS, as Caffe does"),
    "simd": ("groups", "group", "groups as wide as the machine's vectors zeroed, our kernels for groups"),
    "nodes": ("nodes", "dense", "neurons and feature maps taken out, our dense kernels"),
    "scalpel": ("scalpel", "auto", "nodes, groups or nothing for each layer, whatever measured fastest here"),
}
DEFAULT = ("dense", "csr", "scipy-csr", "simd", "nodes", "scalpel")
SPARSITIES = (0.5, 0.7, 0.8, 0.9, 0.95)
OURS = ("dense", "csr", "group", "auto")


@dataclass(frozen=True, eq=False)
class Way:
    """One way of running the net: ``net`` is pruned already, ``runner`` one of :data:`OURS` or a peer's name.

    ``sparsity`` is None for the dense net. ``title`` is for progress and errors.
    """

    method: str
    sparsity: float | None
    net: Net
    runner: str

    @property
    def ours(self):
        return self.runner in OURS

    @property
    def title(self):
        return self.method if self.sparsity is None else f"{self.method} at {100 * self.sparsity:g} %"

    def prepare(self, threads, options):
        """A function from input arrays to the output, with ``layers`` where it can tell them apart.

        ``options`` are those of the net that is compared: instruction set, numerics, tuning.
        """
        if self.ours:
            return Ours(self.net.compile(replace(options, threads=threads, weights=self.runner)))
        return peers.find(self.runner).prepare(self.net, threads)

    def bytes(self):
        """Of the parameters as this way stores them, indices counted."""
        if self.ours:
            return measure(self.net.graph)[1].bytes
        if self.runner not in peers.SPARSE or self.sparsity is None:
            return dense_bytes(self.net.graph)
        matrices = [w.matrix() for w in prunable(self.net.graph)]
        return dense_bytes(self.net.graph) + sum(csr_bytes(w) - 4 * w.size for w in matrices)


class Ours:
    """A plan as a prepared peer; ``layers`` is None where layers that only Python runs stand between."""

    def __init__(self, plan):
        self.plan = plan
        self.rows = plan.explain()
        if not hasattr(plan, "time"):
            self.layers = None

    def __call__(self, *inputs):
        return self.plan.run(*inputs)

    def layers(self, *inputs):
        """Seconds of each step, {layers of the step: seconds}."""
        return {row.layers: ns / 1e9 for row, ns in zip(self.rows, self.plan.time(*inputs), strict=True)}


def ways(net, methods, sparsities, width="native", tell=None):
    """All Ways of ``methods`` at each of ``sparsities`` (dense ones once), a list; prunes as it goes.

    ``tell`` is called with a line of text before something that takes long.
    """
    for name in methods:
        if name not in METHODS:
            raise OptionsError(f"there is no method {name!r}; there are {', '.join(METHODS)}")
    for s in sparsities:
        if not 0 < s < 1:
            raise OptionsError(f"a sparsity is a number above 0 and below 1, not {s!r}")
    found, made, measured = [], {}, {}
    for name in methods:
        pruning, runner, _ = METHODS[name]
        for s in (None,) if pruning is None else sparsities:
            if (pruning, s) not in made:
                if tell is not None and pruning is not None:
                    tell(f"pruning for {name} at {100 * s:g} %")
                made[pruning, s] = net if pruning is None else \
                    Net(PRUNE[pruning](net.graph, s, width, measured, tell), net.options)
            found.append(Way(name, s, made[pruning, s], runner))
    return found


def reshaped(found, shapes):
    """The Ways ``found`` for other input shapes, {name: shape}; those of one net share it still."""
    nets = {}
    for way in found:
        if way.net not in nets:
            nets[way.net] = Net(way.net.graph, way.net.options)
            nets[way.net].reshape(shapes)
    return [replace(way, net=nets[way.net]) for way in found]


def single(graph, sparsity, *_):
    """Traditional pruning: in each layer, the weights of least magnitude become zero."""
    return apply_masks(graph, magnitude.masks(graph, sparsity=sparsity))


def groups(graph, sparsity, width, *_):
    """Groups along the outputs in convolutions, where pixels fill the lanes, along the inputs in fully connected
    layers: each the orientation that its kernels like."""
    kinds = layer_kinds(graph)
    masks = {}
    for kind, axis in (("conv", "out"), ("fc", "in")):
        layers = [name for name, k in kinds.items() if k == kind]
        if layers:
            masks.update(simd.masks(graph, width=width, axis=axis, sparsity=sparsity, layers=layers))
    return apply_masks(graph, masks)


def without_nodes(graph, sparsity, *_):
    """So many nodes less in each layer that about this share of the weights between two such layers goes."""
    return nodes.prune(graph, sparsity=node_share(sparsity))


def by_scalpel(graph, sparsity, width, measured, tell=None):
    """The technique that measures fastest for each layer, at this sparsity; nothing is retrained. Measuring takes
    long, so what it found is kept in ``measured``, a dict, for other sparsities."""
    rates = {kind: {"groups": sparsity, "nodes": node_share(sparsity)} for kind in ("conv", "fc")}
    progress = None if tell is None else lambda layer: tell(f"measuring what pruning {layer} would buy")
    decisions, axis, found = decide(graph, "native", width=width, rates=rates, progress=progress, found=measured)
    measured.update(found)
    # Where both are to be used, each takes as much: what is left after one, times what is left after the other.
    half = 1 - math.sqrt(1 - sparsity)
    gone = {d.layer: node_share(sparsity if d.technique == "nodes" else half) for d in decisions
            if d.technique in ("nodes", "both")}
    zeros = {d.layer: sparsity if d.technique == "groups" else half for d in decisions
             if d.technique in ("groups", "both")}
    if gone:
        graph = nodes.prune(graph, sparsity=gone)
    if zeros:
        graph = apply_masks(graph, simd.masks(graph, width=width, axis=axis, sparsity=zeros))
    return graph


PRUNE = {"single": single, "groups": groups, "nodes": without_nodes, "scalpel": by_scalpel}


def node_share(sparsity):
    """The share of nodes without which a layer, and the one before, have lost ``sparsity`` of the weights between."""
    return 1 - math.sqrt(1 - sparsity)


def prunable(graph):
    """As :func:`scalpel_rt.pruning.weights.weights`, but none where the net has none."""
    able = any(isinstance(node.layer, Convolution | InnerProduct) for node in graph.nodes)
    return weights(graph) if able else []


def layer_kinds(graph):
    """{layer: "fc" or "conv"} of the layers whose weights can be pruned."""
    fc = {node.name for node in graph.nodes if isinstance(node.layer, InnerProduct)}
    return {w.layer: "fc" if w.layer in fc else "conv" for w in weights(graph)}


def dense_bytes(graph):
    """Bytes of all parameters as float32, shared ones once."""
    return summarize(graph).parameter_bytes


def csr_bytes(matrix):
    """Compressed rows as libraries keep them: float32 values, 32-bit columns and row pointers."""
    return 8 * int(np.count_nonzero(matrix)) + 4 * (len(matrix) + 1)
