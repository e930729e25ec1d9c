"""How much work a layer is: weights that are not zero, multiply-adds, bytes that have to be read and written."""

from dataclasses import dataclass

import numpy as np

from .. import peers
from ..layers._base import count
from .methods import csr_bytes, layer_kinds, prunable


@dataclass(frozen=True)
class Work:
    """One step's share; the fields are those of :class:`scalpel_rt.report.results.Layer`."""

    weights: int
    zeros: float
    bytes: int
    traffic: int
    multiply_adds: int


class Workload:
    """Of a net pruned from another.

    Parameters
    ----------
    graph : Graph
        As it is run, at its shapes.
    dense : Graph
        What it was before it was pruned.
    """

    def __init__(self, graph, dense):
        self._graph = graph
        self._nodes = {node.name: node for node in graph.nodes}
        self._matrices = {w.layer: w.matrix() for w in prunable(graph)}
        self._dense = {w.layer: w.size for w in prunable(dense)}

    @property
    def weights(self):
        """Of the dense net."""
        return sum(self._dense.values())

    @property
    def zeros(self):
        """Share of the dense net's weights that are zero or gone."""
        left = sum(np.count_nonzero(m) for m in self._matrices.values())
        return 1 - left / self.weights if self.weights else 0.0

    @property
    def multiply_adds(self):
        """Of all layers, only those with a weight that is not zero."""
        return sum(self._multiply_adds(node) for node in self._nodes.values())

    def of(self, step, runner, packed=None):
        """The Work of a step, which is named by its layers joined by "+".

        ``packed``: bytes of its weights, where our kernels read them; else they are counted as the library
        ``runner`` keeps them.
        """
        nodes = [self._nodes[name] for name in self._names(step)]
        inner = {blob for node in nodes for blob in node.tops}
        outside = dict.fromkeys(blob for node in nodes for blob in node.bottoms if blob not in inner)
        moved = 4 * (sum(count(blob.shape) for blob in outside) + (count(nodes[-1].tops[0].shape) if nodes else 0))
        dense = sum(self._dense.get(node.name, 0) for node in nodes)
        matrices = [self._matrices[node.name] for node in nodes if node.name in self._matrices]
        left = sum(int(np.count_nonzero(m)) for m in matrices)
        if packed is None:
            packed = sum(csr_bytes(m) if runner in peers.SPARSE else 4 * m.size for m in matrices)
        return Work(dense, 1 - left / dense if dense else 0.0, packed, packed + moved,
                    sum(self._multiply_adds(node) for node in nodes))

    def kind(self, step):
        """The kind of operation that a step is, as our plans call it: "conv", "fc", or the layer's type."""
        kinds = layer_kinds(self._graph)
        nodes = [self._nodes[name] for name in self._names(step)]
        return next((kinds[n.name] for n in nodes if n.name in kinds), nodes[0].type.lower() if nodes else "")

    def _names(self, step):
        """The layers of a step; a name may itself hold a "+"."""
        found, rest = [], step.split("+")
        while rest:
            size = next((n for n in range(len(rest), 0, -1) if "+".join(rest[:n]) in self._nodes), None)
            if size is not None:
                found.append("+".join(rest[:size]))
            rest = rest[size or 1:]
        return found

    def _multiply_adds(self, node):
        if node.layer.is_input:
            return 0
        bottoms, tops = [b.shape for b in node.bottoms], [b.shape for b in node.tops]
        full = int(node.layer.multiply_adds(bottoms, tops, [p.shape for p in node.params]))
        matrix = self._matrices.get(node.name)
        return full if matrix is None else round(full * np.count_nonzero(matrix) / matrix.size)


def packed_bytes(step):
    """Bytes of weights, indices and tables of one step of a plan."""
    return sum({id(a): a.nbytes for a in step.args.values() if isinstance(a, np.ndarray)}.values())
