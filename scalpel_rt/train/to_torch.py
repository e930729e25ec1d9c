"""A graph as a torch module, with the same parameters under the same names, and back.

Each Caffe type that can be trained has one function in :mod:`scalpel_rt.train.layers`; the module runs them in the
graph's order. Parameters are copied bit for bit in both directions. Pooling, LRN and BatchNorm follow Caffe (window
limits, divisors, the third BatchNorm blob), so that outputs agree with the runtime's to rounding.
"""

import numpy as np
import torch

from ..errors import GraphError, ShapeError
from ..graph.params import with_arrays
from . import layers


class TorchNet(torch.nn.Module):
    """A trainable copy of a graph; ``.train()`` and ``.eval()`` choose the phase, as usual in torch.

    Attributes
    ----------
    weights : dict {(layer name, index): torch.nn.Parameter}; shared parameters appear under their first owner
    statistics : dict {(layer name, index): torch.Tensor}; learnt blobs that no gradient changes (BatchNorm's)
    keys : dict {Node: [(key, shape)]}, for each of a layer's learnt blobs its key in one of the two, and its own shape
    dropout : dict {Node: ratio} that counts instead of the layer's own
    """

    def __init__(self, graph):
        super().__init__()
        for node in graph.nodes:
            if not node.layer.is_input:
                layers.check(node)
        if not graph.ready:
            unknown = ", ".join(repr(blob.name) for blob in graph.inputs if blob.shape is None)
            raise ShapeError(f"the net has no parameters yet: the shape of {unknown} is unknown; reshape it first")
        self.graph = graph
        self.weights, self.statistics, self.dropout, self.keys, owners = {}, {}, {}, {}, {}
        self._scales = _scales_behind_norms(graph)
        names = set()
        for node in graph.nodes:
            if node.layer.is_input:
                continue
            if node.params and node.name in names:      # the parameters of one would be trained in place of the other's
                raise GraphError("several layers have this name, and parameters go by it", layer=node.name)
            names.update([node.name] if node.params else [])
            for i, param in enumerate(node.params):
                key = owners.setdefault(id(param.owner or param), (node.name, i))
                if key == (node.name, i):
                    self._hold(key, torch.from_numpy(np.array(param.array, np.float32)), layers.is_statistic(node.type))
            self.keys[node] = [(owners[id(p.owner or p)], p.shape) for p in node.params]

    def _hold(self, key, value, statistic):
        if statistic:
            self.statistics[key] = value
            self.register_buffer(f"statistic{len(self.statistics)}", value)
        else:
            self.weights[key] = torch.nn.Parameter(value)
            self.register_parameter(f"weight{len(self.weights)}", self.weights[key])

    def _apply(self, fn, recurse=True):
        super()._apply(fn, recurse)
        self.statistics = dict(zip(self.statistics, self.buffers(), strict=True))
        return self

    def forward(self, feed, before=None):
        """Run the graph on a dict {input name: tensor}; returns {blob name: last tensor of that name}.

        ``before(node, tensors)``, where given, may replace what a node reads (mask layers); a Scale that is computed
        together with the BatchNorm in front of it is not asked about.
        """
        values = {blob: feed[blob.name] for blob in self.graph.inputs if blob.name in feed}
        held, fused = {**self.weights, **self.statistics}, set(self._scales.values())
        for node in self.graph.nodes:
            if node.layer.is_input or node in fused:
                continue
            missing = [b.name for b in node.bottoms if b not in values]
            if missing:
                raise GraphError(f"no data for {', '.join(missing)}").locate(layer=node.name)
            scale = self._scales.get(node)
            params = [held[key].reshape(shape) for key, shape in self.keys[node] + self.keys.get(scale, [])]
            bottoms = [values[b] for b in node.bottoms]
            if before is not None:
                bottoms = before(node, bottoms)
            if node in self.dropout:
                tops = layers.dropout(bottoms, self.dropout[node], self.training)
            else:
                tops = layers.run(node, bottoms, params, self.training)
            values.update(zip((scale or node).tops, tops, strict=True))
        return {blob.name: value for blob, value in values.items()}

    def arrays(self):
        """{(layer name, index): float32 array} of every learnt blob; shared ones under their first owner."""
        return {key: value.detach().cpu().numpy().copy() for key, value in {**self.weights, **self.statistics}.items()}


def _scales_behind_norms(graph):
    """{BatchNorm node: the Scale with factors of its own for each channel that alone reads it, and writes
    over it}: one pass over memory in torch instead of three."""
    readers = {}
    for node in graph.nodes:
        for blob in node.bottoms:
            readers.setdefault(blob, []).append(node)
    last = set(graph.final_blobs().values())
    found = {}
    for node in graph.nodes:
        behind = readers.get(node.tops[0], []) if node.type == "BatchNorm" else []
        if len(behind) == 1 and behind[0].type == "Scale" and len(behind[0].bottoms) == 1 and node.tops[0] not in last:
            channels = node.bottoms[0].shape[1:2]
            if behind[0].params[0].shape == channels and behind[0].layer.place([node.tops[0].shape])[0] == 1:
                found[node] = behind[0]
    return found


def from_torch(graph, module):
    """A graph like ``graph`` with the learnt blobs of ``module`` (a :class:`TorchNet` made from it), bit for bit."""
    arrays, owners = module.arrays(), {}
    for node in graph.nodes:
        for i, param in enumerate(node.params):
            owners.setdefault(param.owner or param, (node.name, i))
    return with_arrays(graph, {param: arrays[key] for param, key in owners.items()})
