"""A graph as a torch module, with the same parameters under the same names, and back.

Each Caffe type that can be trained has one function in :mod:`scalpel_rt.train.layers`; the module runs them in the graph's
order. Parameters are copied bit for bit in both directions. Pooling, LRN and BatchNorm follow Caffe (window limits,
divisors, the third BatchNorm blob), so that outputs agree with the runtime's to rounding.
"""

from dataclasses import replace

import numpy as np
import torch

from ..errors import GraphError, UnsupportedError
from . import layers


class TorchNet(torch.nn.Module):
    """A trainable copy of a graph.

    Parameters
    ----------
    graph : scalpel_rt.graph.ir.Graph
    phase : "TRAIN" or "TEST" is chosen by ``.train()`` and ``.eval()``, as usual in torch.

    Attributes
    ----------
    weights : dict {(layer name, index): torch.nn.Parameter}; shared parameters appear under their first owner
    buffers_ : dict {(layer name, index): torch.Tensor}; learnt blobs that no gradient changes (BatchNorm's)
    """

    def __init__(self, graph):
        super().__init__()
        self.graph = graph
        self.weights, self.buffers_, self._params, owner = {}, {}, {}, {}
        for node in graph.nodes:
            if not layers.known(node.type):
                raise UnsupportedError(f"{node.type} layers cannot be trained here").locate(layer=node.name)
            held = []
            for i, param in enumerate(node.params):
                key = owner.setdefault(id(param), (node.name, i))
                if key not in self.weights and key not in self.buffers_:
                    value = torch.from_numpy(np.array(param.array, np.float32))
                    if layers.is_statistic(node.type):
                        self.register_buffer(f"b{len(self.buffers_)}", value)
                        self.buffers_[key] = value
                    else:
                        self.weights[key] = torch.nn.Parameter(value)
                        self.register_parameter(f"w{len(self.weights)}", self.weights[key])
                held.append(key)
            self._params[node] = held

    def _tensor(self, key):
        return self.weights[key] if key in self.weights else self.buffers_[key]

    def _apply(self, fn, recurse=True):
        super()._apply(fn, recurse)
        for (key, _), value in zip(list(self.buffers_.items()), self.buffers(), strict=True):
            self.buffers_[key] = value
        return self

    def forward(self, feed, after=None, until=None):
        """Run the graph on a dict {input name: tensor}; returns {blob name: last tensor of that name}.

        ``after(node, tensors)``, where given, may replace the tops of a node (mask layers); ``until`` is a node to stop behind.
        """
        values = {blob: feed[blob.name] for blob in self.graph.inputs if blob.name in feed}
        for node in self.graph.nodes:
            if all(blob in values for blob in node.tops):
                continue
            missing = [b.name for b in node.bottoms if b not in values]
            if missing or not node.bottoms:
                raise GraphError(f"no data for {', '.join(missing) or node.tops[0].name}").locate(layer=node.name)
            tops = layers.run(node, [values[b] for b in node.bottoms], [self._tensor(k) for k in self._params[node]], self.training)
            if after is not None:
                tops = after(node, tops)
            values.update(zip(node.tops, tops, strict=True))
            if node is until:
                break
        return {blob.name: value for blob, value in values.items()}

    def arrays(self):
        """{(layer name, index): float32 array} of every learnt blob; shared ones under their first owner."""
        every = {**self.weights, **self.buffers_}
        return {key: value.detach().cpu().numpy().copy() for key, value in every.items()}


def from_torch(graph, module):
    """A graph like ``graph`` with the learnt blobs of ``module`` (a :class:`TorchNet` made from it), bit for bit."""
    arrays, fresh = module.arrays(), {}
    for node in graph.nodes:
        for i, param in enumerate(node.params):
            if id(param) not in fresh:
                fresh[id(param)] = replace(param, array=arrays[node.name, i])
    nodes = tuple(replace(node, params=tuple(fresh[id(p)] for p in node.params)) for node in graph.nodes)
    return replace(graph, nodes=nodes)
