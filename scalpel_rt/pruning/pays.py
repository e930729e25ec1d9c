"""Will it pay? Measured on this machine for each layer: from what sparsity on it beats dense, and by how much."""

import time
from dataclasses import dataclass, field, replace

import numpy as np

from ..graph import build
from ..isa import machine
from ..layers.inner_product import InnerProduct
from ..options import Options
from ..plan.build import compile_graph
from ..plan.stages import StagedPlan
from . import magnitude, simd
from .couple import couple
from .nodes import removable
from .remove import NO_LIMITS
from .weights import apply_masks, weights

SPARSITIES = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
SHARES = (0.25, 0.5, 0.75, 0.9)
LEAST_RUNS, MOST_RUNS, POINT_NS = 4, 100, 10e6      # of one layer at one sparsity; no more runs after so long
MOST_EVICTED = 32 << 20                             # bytes


@dataclass(frozen=True)
class Pay:
    """Nanoseconds of one forward of a layer, on one thread, at the net's present input shapes.

    layer : str
    kind : "conv" or "fc"
    dense : float
    sparse : {form: {sparsity: ns}}
        Forms are "csr", "in" and "out": single weights, groups along the inputs or the outputs; the sparsity is of
        the layer's own weights, the least important of which were zeroed.
    nodes : {share: ns}
        Dense, without that share of the nodes that it makes and of those that it reads (where they can go).
    """

    layer: str
    kind: str
    dense: float
    sparse: dict = field(default_factory=dict)
    nodes: dict = field(default_factory=dict)

    def time(self, form, share):
        """Nanoseconds at any sparsity (or share of nodes, for the form "nodes"), between what was measured."""
        points = {0.0: self.dense, **self.nodes} if form == "nodes" else self.sparse[form]
        return float(np.interp(share, sorted(points), [points[s] for s in sorted(points)]))

    def crossover(self, form):
        """The sparsity (or share of nodes) from which on ``form`` beats dense; the least that was measured where it
        does already there, None where it does nowhere."""
        points = sorted((self.nodes if form == "nodes" else self.sparse[form]).items())
        worth = [i for i, (_, ns) in enumerate(points) if ns < self.dense]
        if not worth:
            return None
        if worth[0] == 0:
            return points[0][0]
        (s0, t0), (s1, t1) = points[worth[0] - 1], points[worth[0]]
        return s0 + (s1 - s0) * (t0 - self.dense) / (t0 - t1)


def pays(graph, *, width="native", layers=None, options=None, progress=None):
    """Measure every convolution and fully connected layer of a graph; {layer: :class:`Pay`}.

    Parameters
    ----------
    graph : Graph
        With its weights, at the input shapes that count.
    width : as for :func:`scalpel_rt.pruning.simd.masks`
    layers : iterable of str, optional
    options : Options, optional
        Of which the instruction set counts; one thread is used.
    progress : callable, optional
        Called with a layer's name before it is measured.

    Layers that only Python runs (three spatial axes) are left out. Takes a second for a million weights. Errors as for
    :func:`scalpel_rt.pruning.weights.weights`.
    """
    width = simd.check_width(width)
    options = replace(options or Options(), threads=1, tune=True)
    coupling = couple(graph, approximate=True)
    total = 4 * sum(weight.size for weight in weights(graph))
    found = {}
    for weight in weights(graph, layers):
        node = next(node for node in graph.nodes if node.name == weight.layer)
        if progress is not None:
            progress(weight.layer)
        alone = _alone(graph, node)
        others = total - 4 * weight.size
        dense = _time(alone, replace(options, weights="dense"), others)
        if not dense:
            continue
        sparse = {form: {} for form in ("csr", "in", "out")}
        for s in SPARSITIES:
            zeroed = {"csr": magnitude.masks(alone, sparsity=s),
                      **{axis: simd.masks(alone, width=width, axis=axis, sparsity=s) for axis in simd.AXES}}
            for form, masks in zeroed.items():
                sparse[form][s] = _time(apply_masks(alone, masks),
                                        replace(options, weights="csr" if form == "csr" else "group"),
                                        (1 - s) * others)
        makes = removable(coupling, coupling.makers.get(node.name, np.empty(0, int))).any()
        reads = node in coupling.reads and removable(coupling, coupling.reads[node][1]).any()
        nodes = {share: _time(_alone(graph, node, share * makes, share * reads), replace(options, weights="dense"),
                              (1 - share) ** 2 * others)
                 for share in SHARES if makes or reads}
        kind = "fc" if isinstance(node.layer, InnerProduct) else "conv"
        found[weight.layer] = Pay(weight.layer, kind, dense, sparse, nodes)
    return found


def _alone(graph, node, outputs=0.0, inputs=0.0):
    """A graph of this layer only, with its own weights; or with random ones, when it makes and reads a share less."""
    layer, shape = node.layer, list(node.bottoms[0].shape)
    axis = layer.axis(layer.first_axis if isinstance(layer, InnerProduct) else layer.windows.axis, shape)
    groups = getattr(layer, "group", 1)
    step = groups if shape[axis] > groups else 1
    if groups > 1 and step == 1:        # depthwise: what it reads is what it makes
        outputs = inputs = max(outputs, inputs)
        groups = _fewer(shape[axis], inputs, 1)
    shape[axis] = _fewer(shape[axis], inputs, step)
    message = type(graph.message)()
    source = message.layer.add(name="data", type="Input", top=["data"])
    source.input_param.shape.add(dim=shape)
    said = message.layer.add()
    said.CopyFrom(layer.message)
    for name in ("param", "blobs", "include", "exclude", "loss_weight", "propagate_down"):
        said.ClearField(name)
    said.bottom[:], said.top[:] = ["data"], ["top"]
    if isinstance(layer, InnerProduct):
        said.inner_product_param.num_output = _fewer(layer.num_output, outputs, 1)
    else:
        p = said.convolution_param
        p.num_output = _fewer(layer.num_output, outputs, step) if step > 1 or groups == 1 else \
            groups * (layer.num_output // layer.group)
        if p.group == layer.group:
            p.group = groups
    made = build(message, graph.phase, limits=NO_LIMITS)
    rng = np.random.default_rng(0)
    for param, own in zip(made.nodes[1].params, node.params, strict=True):
        param.array = (own.array if own.shape == param.shape
                       else rng.standard_normal(param.shape, np.float32))
    return made


def _fewer(n, share, step):
    """``n`` without a share of it, a multiple of ``step`` and at least that."""
    return max(step, int(round(n * (1 - share) / step)) * step)


def _time(graph, options, others):
    """Nanoseconds of a graph's steps, the least of several runs; 0 where some layer is none of a plan. Between two runs
    as many bytes are touched as the ``others`` of the net have weights: they push this layer's out of caches."""
    plan = compile_graph(graph, options)
    if isinstance(plan, StagedPlan):
        return 0.0
    m = machine()
    evict = np.zeros(int(min(others, m.l3 or MOST_EVICTED, MOST_EVICTED)) if others > m.l2 // 2 else 0, np.uint8)
    x = [np.random.default_rng(0).standard_normal(slot.shape, np.float32) for slot in plan.inputs]
    best, end = np.inf, time.perf_counter_ns() + POINT_NS
    for i in range(MOST_RUNS):
        evict += 1
        best = min(best, int(plan.time(*x).sum()))
        if i + 1 >= LEAST_RUNS and time.perf_counter_ns() > end:
            break
    return float(best)
