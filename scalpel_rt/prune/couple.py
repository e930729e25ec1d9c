"""Which channels of a net live and die together, and which cannot go at all.

Every blob has one axis along which its numbers belong to nodes (neurons, feature maps): the channels. Each node of a
layer that makes nodes (convolution, deconvolution, fully connected) gets a label; the rules below say for each layer
type how labels run from bottoms to tops, which labels must go together (both sides of an Eltwise sum), which are held
fast (the net's outputs, or a layer that mixes channels in a way that fewer of them could not express), and along
which axis of which parameter they lie. A removal is then a set of labels: all parameters are cut by it in the same
way.

The idea of pruning coupled groups and never layers: Fang et al., "DepGraph: Towards Any Structural Pruning", CVPR
2023.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from ..errors import ShapeError
from ..layers._base import count
from ..layers._elementwise import Elementwise
from ..layers.batch_norm import BatchNorm
from ..layers.bias import Bias
from ..layers.concat import Concat
from ..layers.convolution import Convolution
from ..layers.crop import Crop
from ..layers.deconvolution import Deconvolution
from ..layers.dropout import Dropout
from ..layers.eltwise import Eltwise
from ..layers.flatten import Flatten
from ..layers.implicit import Implicit
from ..layers.inner_product import InnerProduct
from ..layers.lrn import LRN
from ..layers.mvn import MVN
from ..layers.pooling import Pooling
from ..layers.prelu import PReLU
from ..layers.reshape import Reshape
from ..layers.scale import Scale
from ..layers.silence import Silence
from ..layers.slice import Slice
from ..layers.softmax import Softmax
from ..layers.split import Split
from ..layers.spp import SPP
from ..layers.tile import Tile

#: the axis of a parameter that runs over the inputs of a grouped convolution, all groups after each other
BLOCKS = "blocks"


@dataclass(frozen=True, eq=False)
class Coupling:
    """The channels of a graph, as classes that live and die together.

    size : int
        Number of classes; a removal is a bool array (size,), True = gone.
    makers : {layer name: int array (num_output,)}
        The class of each node of each layer that makes nodes, in the order of the net.
    pinned : {class: str}
        Why a class cannot go.
    blobs : {Blob: (axis, int array (shape[axis],))}
        The class of each position along the blob's channel axis.
    cuts : {Param: {axis: int array}}
        The class of each position along those axes of a parameter that a removal shortens.
    reads : {Node: (axis, classes)}
        Layers whose weights sum over channels, and the channels of their first bottom.
    grouped : {Node: (classes of the inputs, classes of the outputs)}
        Convolutions in groups of more than one input each.
    scales : [(classes, Param)]
        Learnt factors of channels (Scale).
    """

    graph: object
    size: int
    makers: dict
    pinned: dict
    blobs: dict
    cuts: dict
    reads: dict
    grouped: dict
    scales: list


def couple(graph, approximate=False):
    """The :class:`Coupling` of a graph all of whose shapes are known.

    With ``approximate``, LRN across channels lets channels go, although their neighbours' sums then lack them;
    without, it holds them fast, so that a removal never changes what the other channels compute.
    """
    if not graph.ready:
        raise ShapeError("the net has no parameters yet: the shape of an input is unknown; reshape it first")
    flow = _Flow(graph, approximate)
    for node in graph.nodes:
        flow.at.update(zip(node.tops, flow.pass_through(node), strict=True))
    for blob in graph.outputs:
        flow.pin(flow.at[blob][1], f"they are the output {blob.name!r} of the net")
    return flow.resolved()


@dataclass
class _Flow:
    """The state of the walk: labels are numbers from 0, still without the classes that they form."""

    graph: object
    approximate: bool
    at: dict = field(default_factory=dict)
    makers: dict = field(default_factory=dict)
    cuts: dict = field(default_factory=dict)
    reads: dict = field(default_factory=dict)
    grouped: dict = field(default_factory=dict)
    scales: list = field(default_factory=list)

    def __post_init__(self):
        self.size, self.pairs, self.pins = 0, [], []
        self.views = {p.owner for node in self.graph.nodes for p in node.params if p.owner is not None}

    def pass_through(self, node):
        """(axis, labels) of each top of a node."""
        rule = next((RULES[cls] for cls in type(node.layer).__mro__ if cls in RULES), None)
        if rule is None or node.layer.is_input or not node.bottoms:
            return self.opaque(node)
        ins = [self.at[blob] for blob in node.bottoms]
        if not all(blob.shape for blob in node.bottoms):
            return self.opaque(node)
        return rule(self, node, ins)

    def opaque(self, node, why=None):
        """Hold the bottoms fast, and give the tops labels that are."""
        for blob in node.bottoms:
            self.pin(self.at[blob][1], why or f"layer {node.name!r}, {node.type}, needs all of them")
        return [self.held(blob, f"they come from layer {node.name!r}, {node.type}") for blob in node.tops]

    def held(self, blob, why):
        axis = min(1, len(blob.shape) - 1)
        labels = self.fresh(blob.shape[axis] if blob.shape else 0)
        self.pin(labels, why)
        return max(axis, 0), labels

    def fresh(self, n):
        """``n`` new labels."""
        self.size += n
        return np.arange(self.size - n, self.size)

    def made(self, node, n):
        """Labels for the ``n`` nodes that a layer makes."""
        labels = self.fresh(n)
        if node.name in self.makers:    # Caffe allows it; then nobody can say which one is meant
            self.pin(labels, "several layers have this name")
            self.pin(self.makers[node.name], "several layers have this name")
        else:
            self.makers[node.name] = labels
        return labels

    def join(self, one, other):
        """Position by position, these go together."""
        self.pairs.append((one, other))

    def pin(self, labels, why):
        self.pins.append((labels, why))

    def cut(self, param, axis, labels):
        """``labels`` lie along an axis of a parameter."""
        if param.owner is not None or param in self.views:
            self.pin(labels, "their weights are shared under another shape")
        elif axis in self.cuts.setdefault(param, {}):
            self.join(self.cuts[param][axis], labels)
        else:
            self.cuts[param][axis] = labels

    def resolved(self):
        """The Coupling: labels that go together become one class."""
        ends = [np.concatenate([pair[i] for pair in self.pairs] or [np.empty(0, int)]) for i in (0, 1)]
        links = coo_matrix((np.ones(len(ends[0]), bool), ends), shape=(self.size, self.size))
        size, of = connected_components(links, directed=False) if self.size else (0, np.empty(0, int))
        pinned = {}
        for labels, why in self.pins:
            for c in np.unique(of[labels]).tolist():
                pinned.setdefault(c, why)
        return Coupling(
            self.graph, size, {name: of[labels] for name, labels in self.makers.items()}, pinned,
            {blob: (axis, of[labels]) for blob, (axis, labels) in self.at.items()},
            {param: {axis: of[labels] for axis, labels in axes.items()} for param, axes in self.cuts.items()},
            {node: (axis, of[labels]) for node, (axis, labels) in self.reads.items()},
            {node: (of[a], of[b]) for node, (a, b) in self.grouped.items()},
            [(of[labels], param) for labels, param in self.scales])


RULES = {}


def _rule(*classes):
    """Decorator: the function tells (axis, labels) of the tops from those of the bottoms, for layers of these
    classes."""
    def enter(function):
        RULES.update(dict.fromkeys(classes, function))
        return function
    return enter


@_rule(Convolution)
def _convolution(flow, node, ins):
    layer, deconvolution = node.layer, isinstance(node.layer, Deconvolution)
    axis = layer.axis(layer.windows.axis, node.bottoms[0].shape)
    if any(a != axis for a, _ in ins):
        return flow.opaque(node)
    (_, inputs), *others = ins
    for _, labels in others:
        flow.join(inputs, labels)
    group, outputs = layer.group, flow.made(node, layer.num_output)
    flow.reads[node] = ins[0]
    if len(inputs) == group > 1:        # depthwise: a channel that is gone takes its outputs along
        flow.join(np.repeat(inputs, layer.num_output // group), outputs)
    elif group > 1:
        flow.grouped[node] = inputs, outputs
    weight = node.params[0].shape
    for param in node.params:           # masks of pruning forks lie beside what they mask
        if param.shape != weight:
            flow.cut(param, 0, outputs)
            continue
        rows, columns = (inputs, outputs) if deconvolution else (outputs, inputs)
        flow.cut(param, 0, rows)
        if node in flow.grouped:
            flow.cut(param, BLOCKS, columns)
        elif group == 1:
            flow.cut(param, 1, columns)
    return [(axis, outputs)] * len(node.tops)


@_rule(InnerProduct)
def _inner_product(flow, node, ins):
    (axis, labels), shape = ins[0], node.bottoms[0].shape
    first = node.layer.axis(node.layer.first_axis, shape)
    outputs = flow.made(node, node.layer.num_output)
    if axis < first:
        flow.pin(labels, f"layer {node.name!r}, {node.type}, takes them for items of a batch")
    else:
        flow.reads[node] = ins[0]
    for param in node.params:
        if param.shape != node.params[0].shape:
            flow.cut(param, 0, outputs)
            continue
        rows, columns = (1, 0) if node.layer.transpose else (0, 1)
        flow.cut(param, rows, outputs)
        if axis >= first:
            flow.cut(param, columns, _spread(labels, axis - first, shape[first:]))
    return [(first, outputs)]


def _spread(labels, axis, shape):
    """The label of every number of an array of ``shape``, flat."""
    along = [1] * len(shape)
    along[axis] = -1
    return np.broadcast_to(labels.reshape(along), shape).ravel()


@_rule(Elementwise, Dropout, Split)
def _same(flow, node, ins):
    return ins * len(node.tops)


@_rule(Silence, Implicit)
def _no_tops(flow, node, ins):
    return []


@_rule(Pooling)
def _pooling(flow, node, ins):
    return ins * len(node.tops) if ins[0][0] == 1 else flow.opaque(node)


@_rule(LRN)
def _lrn(flow, node, ins):
    axis, _ = ins[0]
    if axis != 1 or not (node.layer.within or flow.approximate):
        return flow.opaque(node, f"layer {node.name!r}, LRN across channels, lets each feel its neighbours "
                                 "(approximate=True removes them all the same)")
    return ins


@_rule(MVN)
def _mvn(flow, node, ins):
    return flow.opaque(node) if node.layer.across_channels or ins[0][0] != 1 else ins


@_rule(Softmax)
def _softmax(flow, node, ins):
    axis, _ = ins[0]
    return flow.opaque(node) if node.layer.axis(node.layer.along, node.bottoms[0].shape) == axis else ins


@_rule(BatchNorm)
def _batch_norm(flow, node, ins):
    axis, labels = ins[0]
    if axis == 1:
        for param in node.params[:2]:
            flow.cut(param, 0, labels)
    return ins


@_rule(PReLU)
def _prelu(flow, node, ins):
    axis, labels = ins[0]
    if axis == 1 and not node.layer.channel_shared:
        flow.cut(node.params[0], 0, labels)
    return ins


@_rule(Scale, Bias)
def _along(flow, node, ins):
    axis, labels = ins[0]
    first, operand = node.layer.place([blob.shape for blob in node.bottoms])
    place = axis - first
    covered = 0 <= place < len(operand)
    if len(ins) == 2:
        own, others = ins[1]
        if covered and own == place:
            flow.join(labels, others)
        elif covered:
            return flow.opaque(node)
        else:
            flow.pin(others, f"layer {node.name!r}, {node.type}, needs all of them")
    if covered:
        for param in node.params:
            flow.cut(param, place, labels)
        if node.layer.learnt and isinstance(node.layer, Scale) and operand == labels.shape:
            flow.scales.append((labels, node.params[0]))
    return ins[:1]


@_rule(Eltwise)
def _eltwise(flow, node, ins):
    axis, labels = ins[0]
    for other, theirs in ins[1:]:
        if other != axis:
            return flow.opaque(node)
        flow.join(labels, theirs)
    return ins[:1]


@_rule(Concat)
def _concat(flow, node, ins):
    axis, labels = ins[0]
    if any(other != axis for other, _ in ins):
        return flow.opaque(node)
    if node.layer.axis(node.layer.along, node.bottoms[0].shape) == axis:
        return [(axis, np.concatenate([theirs for _, theirs in ins]))]
    for _, theirs in ins[1:]:
        flow.join(labels, theirs)
    return ins[:1]


@_rule(Slice)
def _slice(flow, node, ins):
    axis, labels = ins[0]
    along, cuts = node.layer.cuts(node.bottoms[0].shape)
    if along != axis:
        return ins * len(node.tops)
    return [(axis, piece) for piece in np.split(labels, cuts[1:-1])]


@_rule(Flatten, Reshape)
def _reshape(flow, node, ins):
    place = reshaped_axis(node.bottoms[0].shape, ins[0][0], node.tops[0].shape)
    if place is None:
        return flow.opaque(node)
    axis, times = place
    return [(axis, np.repeat(ins[0][1], times))]


def reshaped_axis(shape, axis, new):
    """Where an axis of ``shape`` goes in a reshape to ``new``: (axis, how many of its inner numbers each of its
    positions has there), or None where it does not stay one axis."""
    outer, inner = count(shape, 0, axis), count(shape, axis + 1)
    for b, size in enumerate(new):
        times, rest = divmod(size, shape[axis]) if shape[axis] else (0, 0)
        if times and not rest and count(new, 0, b) == outer and count(new, b + 1) * times == inner:
            return b, times
    return None


@_rule(SPP)
def _spp(flow, node, ins):
    axis, labels = ins[0]
    if axis != 1:
        return flow.opaque(node)
    if node.layer.height == 1:
        return ins
    return [(1, np.concatenate([np.repeat(labels, count(out)) for _, _, out in
    node.layer.levels(node.bottoms[0].shape)]))]


@_rule(Tile)
def _tile(flow, node, ins):
    axis, labels = ins[0]
    along = node.layer.axis(node.layer.along, node.bottoms[0].shape)
    return [(axis, np.tile(labels, node.layer.tiles))] if along == axis else ins


@_rule(Crop)
def _crop(flow, node, ins):
    first = node.layer.axis(node.layer.first, node.bottoms[0].shape)
    if any(axis >= first for axis, _ in ins):
        return flow.opaque(node)
    return ins[:1]      # of the second bottom only the sizes that are cropped to count
