"""Runs a graph layer by layer in NumPy: the judge of every faster way, and the fall-back where there is none."""

import numpy as np

from ..errors import ShapeError, located
from ..layers._base import as_f32


class ReferencePlan:
    """A graph ready to run; ``run``, ``run_all`` and ``value`` are those of a compiled plan.

    Parameters
    ----------
    graph : Graph
        With all shapes known. Its parameters are read at every run, so writing to them has an effect.
    keep : "all" or iterable of Blob
        Blobs whose values :meth:`value` can give after a run, besides the outputs.
    state : dict, optional
        What stateful layers remember: another plan's ``state``, to go on where that one is.
    """

    def __init__(self, graph, keep=(), state=None):
        if not graph.ready:
            unknown = [blob.name for blob in graph.inputs if blob.shape is None]
            raise ShapeError(f"the shape of {', '.join(map(repr, unknown))} is not known; reshape the net first")
        self.graph = graph
        self.inputs = graph.inputs
        self.outputs = graph.outputs
        self.state = {} if state is None else state
        self._keep = None if keep == "all" else {*keep, *graph.outputs}
        self._last_use = _last_uses(graph)
        self._values = {}

    def run(self, *arrays):
        """As :meth:`run_all`, but a net with a single output gives its array."""
        results = self.run_all(*arrays)
        return results[0] if len(results) == 1 else results

    def run_all(self, *arrays):
        """One forward: an array for each input in; a tuple of an array for each output out.

        Shapes of outputs that depend on data (Filter, DetectionOutput) may differ from the graph's. Raises ShapeError
        where an input has not the shape that the graph was built for.
        """
        values = self._values = dict(zip(self.inputs, self._checked(arrays), strict=True))
        for i, node in enumerate(self.graph.nodes):
            if not node.layer.is_input:
                with located(layer=node.name):
                    tops = run_layer(node, [values[blob] for blob in node.bottoms], self.state)
                values.update(zip(node.tops, tops, strict=False))
            if self._keep is not None:
                for blob in self._last_use[i]:
                    if blob not in self._keep:
                        del values[blob]
        return tuple(np.array(values[blob]) for blob in self.outputs)   # a view layer's top is its bottom's memory

    def value(self, blob):
        """A copy of what an output or a kept blob held after the last run; KeyError for others."""
        return np.array(self._values[blob])

    def _checked(self, arrays):
        if len(arrays) != len(self.inputs):
            raise ShapeError(f"{len(arrays)} arrays for {len(self.inputs)} inputs")
        for array, blob in zip(arrays, self.inputs, strict=True):
            array = as_f32(array)
            if array.shape != blob.shape:
                raise ShapeError(f"input {blob.name!r} has shape {array.shape}, the plan was made for {blob.shape}")
            yield array


def run_layer(node, bottoms, state):
    """One layer's forward on arrays, checked: a list of arrays, one for each top.

    ``state`` is what stateful layers remember, {layer: object}: the same layer stands in all graphs of a net, those of
    other shapes or of a part of it.
    """
    layer = node.layer
    if [b.shape for b in bottoms] != [blob.shape for blob in node.bottoms]:
        layer.shapes([b.shape for b in bottoms])    # behind a dynamic layer: the layer checks what came
    extra = {}
    if layer.stateful:
        if layer not in state:
            state[layer] = layer.initial_state()
        extra["state"] = state[layer]
    params = [param.writable() if layer.trusted else param.array for param in node.params]  # the user's code may learn
    with np.errstate(all="ignore"):
        tops = layer.forward(bottoms, params, **extra)
    tops = [as_f32(top) for top in tops[:len(node.tops)]]
    if not layer.dynamic:
        _check_tops(layer, bottoms, tops)
    return tops


def _check_tops(layer, bottoms, tops):
    want = [tuple(s) for s in layer.shapes([b.shape for b in bottoms])][:len(tops)]
    if [top.shape for top in tops] != want:
        raise ShapeError(f"{layer.type}.forward made {[t.shape for t in tops]}, its shapes() say {want}")


def _last_uses(graph):
    """For each node, the blobs that nobody after it reads."""
    last = {blob: i for i, node in enumerate(graph.nodes) for blob in (*node.tops, *node.bottoms)}
    ends = [[] for _ in graph.nodes]
    for blob, i in last.items():
        ends[i].append(blob)
    return ends
