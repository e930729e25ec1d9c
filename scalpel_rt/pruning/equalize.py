"""Weights of like size in all layers, without another output.

A layer's weights may be multiplied by a number, and those of the only layer that reads it divided by the same, when
what lies between passes factors on (ReLU, pooling). Training with BatchNorm leaves such factors to chance, and once
they are folded away one layer may have weights a hundred times as large as the next: a ranking of all weights together,
or one rate of training for all, then does not do the layers justice.

Source of the idea: Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV 2019,
which does it channel by channel for narrow numbers.
"""

import numpy as np

from ..graph.params import with_arrays
from ..layers.convolution import Convolution
from ..layers.inner_product import InnerProduct

#: types that give a positive multiple of their output for the same multiple of their input
PASS = ("Dropout", "Flatten", "Pooling", "ReLU", "PReLU", "Reshape")
SWEEPS = 50


def equalize(graph):
    """The graph with weights multiplied by powers of two, layer by layer, so that their gains come close: the standard
    deviation times the root of the number of inputs. Exact to the bit, as long as nothing over- or underflows.

    Where the output of a layer with weights is read by several, is an output of the net, or where parameters are
    shared, the layer keeps its size.
    """
    found = _pairs(graph)
    gains = {node: _gain(node) for pair in found for node in pair}
    logs = dict.fromkeys(gains, 0.0)        # of the factor of what each layer puts out
    for _ in range(SWEEPS):
        for one, other in found:
            if gains[one] > 0 and gains[other] > 0:
                step = np.sqrt(gains[other] / gains[one])
                gains[one], gains[other], logs[one] = gains[one] * step, gains[other] / step, logs[one] + np.log2(step)
    before = {other: one for one, other in found}
    arrays = {}
    for node in gains:
        out = round(logs[node])
        back = round(logs[before[node]]) if node in before else 0
        weight, *bias = node.params
        arrays[weight] = np.ldexp(weight.array, out - back)
        arrays.update({param: np.ldexp(param.array, out) for param in bias})
    return with_arrays(graph, arrays)


def _pairs(graph):
    """[(layer with weights, the only one that reads it)], in the order of the net."""
    readers = {}
    for node in graph.nodes:
        for blob in node.bottoms:
            readers.setdefault(blob, []).append(node)
    users = [param.owner or param for node in graph.nodes for param in node.params]
    able = {node for node in graph.nodes if type(node.layer) in (Convolution, InnerProduct) and len(node.tops) == 1
            and all(users.count(param.owner or param) == 1 for param in node.params)}
    found = []
    for node in graph.nodes:
        reader = node
        while node in able and len(reader.tops) == 1:
            blob = reader.tops[0]
            alone = len(readers.get(blob, ())) == 1 and blob not in graph.outputs
            reader = readers[blob][0] if alone else None
            if reader in able:
                found.append((node, reader))
            if reader is None or reader.type not in PASS:
                break
    return found


def _gain(node):
    weight = node.params[0].array
    return float(weight.std(dtype=np.float64) * np.sqrt(weight.size / node.layer.num_output))
