"""BatchNorm, Scale and Bias layers go into the convolution or the InnerProduct before them: the net itself is smaller.

The plan of a net does the same by itself (:mod:`scalpel_rt.passes.fold_affine`); here the result is a Caffe net that
can be saved, pruned and retrained.
"""

import numpy as np

from ..graph import build, reshape
from ..graph.save import to_message
from ..layers.batch_norm import BatchNorm
from ..layers.bias import Bias
from ..layers.convolution import Convolution
from ..layers.inner_product import InnerProduct
from ..layers.scale import Scale
from .remove import NO_LIMITS


def fold(graph):
    """The graph without the layers that multiply and add a stored number for each output of the layer before them.

    The output is that of ``graph`` to rounding (products in float64, rounded once). A layer stays where somebody else
    reads what it reads, where parameters are shared, or where the products are not finite.
    """
    message = to_message(graph)
    nodes = [node for node in graph.nodes if not node.implicit]
    said = {node: layer for node, layer in zip(nodes, message.layer, strict=True)}
    arrays = {node: [param.array for param in node.params] for node in nodes}
    readers, makers = {}, {}
    for node in graph.nodes:
        for blob in node.bottoms:
            readers[blob] = readers.get(blob, 0) + 1
    for node in nodes:
        maker = makers.get(node.bottoms[0]) if len(node.bottoms) == 1 else None
        alone = maker is not None and readers[node.bottoms[0]] == 1 and node.bottoms[0] not in graph.outputs
        if alone and _own(graph, node) and _own(graph, maker) and _take(maker, said[maker], arrays, node):
            said[maker].top[0] = said[node].top[0]
            makers[node.tops[0]] = maker
            del said[node], arrays[node]
        elif _makes_channels(node):
            makers[node.tops[0]] = node
    del message.layer[:]
    message.layer.extend(said.values())
    made = build(message, graph.phase, trusted=any(node.layer.trusted for node in graph.nodes), limits=NO_LIMITS)
    made = reshape(made, {blob.name: blob.shape for blob in graph.inputs}, limits=NO_LIMITS)
    for node, held in zip((n for n in made.nodes if not n.implicit), arrays.values(), strict=True):
        for param, array in zip(node.params, held, strict=True):
            if param.owner is None:
                param.array = array
    return made


def _makes_channels(node):
    """Whether the node's weights have one row, or column, for each index of its top's axis 1."""
    if type(node.layer) is Convolution:
        return len(node.tops) == 1 and node.layer.message.convolution_param.axis == 1
    return type(node.layer) is InnerProduct and len(node.tops[0].shape) == 2


def _own(graph, node):
    """Whether no other layer uses the node's parameters."""
    owners = [param.owner or param for param in node.params]
    return not any((param.owner or param) in owners for other in graph.nodes if other is not node
                   for param in other.params)


def _affine(node, arrays):
    """(scale or None, shift or None), float64 (C), of a layer that does x * scale + shift along axis 1; else None."""
    layer, params = node.layer, arrays[node]
    if type(layer) is BatchNorm and layer.use_global_stats:
        mean, variance = layer.statistics(params)
        scale = 1 / np.sqrt(variance + layer.eps)
        return scale, -mean * scale
    if type(layer) not in (Scale, Bias) or not layer.learnt or params[0].ndim != 1:
        return None
    if layer.place([blob.shape for blob in node.bottoms])[0] != 1:
        return None
    params = [array.astype(np.float64) for array in params]
    return (None, params[0]) if type(layer) is Bias else (params[0], params[1] if layer.bias_term else None)


def _take(maker, said, arrays, node):
    """Put the node into its maker's weights; False, with nothing changed, where that cannot be."""
    with np.errstate(all="ignore"):
        found = _affine(node, arrays)
        if found is None or any(v is not None and len(v) != maker.tops[0].shape[1] for v in found):
            return False
        scale, shift = found
        weight, *bias = arrays[maker]
        bias = bias[0].astype(np.float64) if bias else 0.0
        if scale is not None:
            flat = type(maker.layer) is InnerProduct and maker.layer.transpose
            along = scale if flat else scale.reshape(-1, *[1] * (weight.ndim - 1))
            weight, bias = (weight * along).astype(np.float32), bias * scale
        bias = np.broadcast_to(bias if shift is None else bias + shift, maker.tops[0].shape[1]).astype(np.float32)
    if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
        return False
    held = said.convolution_param if type(maker.layer) is Convolution else said.inner_product_param
    held.bias_term = True
    arrays[maker] = [weight, bias]
    return True
