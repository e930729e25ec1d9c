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
from .rules import RULES


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

    def needs(self):
        """Arrays of classes of which at least one must stay: the channels of every blob, the inputs of every group."""
        found = [classes for _, classes in self.blobs.values()]
        found += [part for node, (inputs, _) in self.grouped.items() for part in np.split(inputs, node.layer.group)]
        return list({classes.tobytes(): classes for classes in found if len(classes)}.values())


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
