"""Writes a graph as files that any Caffe reads."""

from ..caffe import format_prototxt, write_caffemodel, write_compact, write_hdf5, write_prototxt
from ..errors import ShapeError
from ..files import together


def save_net(graph, prototxt=None, caffemodel=None):
    """Write the net, the weights, or both: each file whole, and none before all of them are.

    prototxt : path, optional
        The layers that take part, without include and exclude rules (they have been decided). With a name that ends in
        ``.safetensors``: net and weights in one compact file (:mod:`scalpel_rt.caffe.compact`).
    caffemodel : path, optional
        Binary, or HDF5 when the name ends in ``.h5``; shared weights stand in every layer that uses them.
    """
    if caffemodel is not None and not graph.ready:
        raise ShapeError("the net has no parameters yet: the shape of an input is unknown; reshape it first")
    with together():
        if str(prototxt).endswith(".safetensors"):
            save_compact(graph, prototxt)
        elif prototxt is not None:
            write_prototxt(to_message(graph), prototxt)
        if caffemodel is not None:
            layers = layers_to_save(graph)
            if str(caffemodel).endswith(".h5"):
                write_hdf5(caffemodel, layers)
            else:
                write_caffemodel(caffemodel, graph.name, layers)


def save_compact(graph, path):
    """Write net and weights to one compact file; returns {(layer, number): (form, bytes)} of what was stored."""
    if not graph.ready:
        raise ShapeError("the net has no parameters yet: the shape of an input is unknown; reshape it first")
    seen, layers = set(), []
    for node in graph.nodes:
        own = {}
        for i, param in enumerate(node.params):
            if param.owner is None and param not in seen:
                seen.add(param)
                own[i] = param.array
        layers.append((node.name, own))
    return write_compact(path, format_prototxt(to_message(graph)), layers)


def layers_to_save(graph):
    """[(name, type, arrays, bottoms, tops)], what the writers of weights take."""
    return [(node.name, node.type, [param.array for param in node.params], list(node.layer.message.bottom),
             list(node.layer.message.top)) for node in graph.nodes if not node.implicit]


def to_message(graph):
    """The NetParameter of a graph, V2, without weights. Inputs whose shape the file left open get the present one."""
    message = type(graph.message)(name=graph.name)
    for node in graph.nodes:
        if node.implicit:
            continue
        layer = message.layer.add()
        layer.CopyFrom(node.layer.message)
        for field in ("blobs", "include", "exclude"):
            layer.ClearField(field)
        if node.type == "Input" and not layer.input_param.shape and None not in [blob.shape for blob in node.tops]:
            for blob in node.tops:
                layer.input_param.shape.add(dim=blob.shape)
    return message
