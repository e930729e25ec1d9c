"""Checks that a graph is one: run after it is built, after every pass and every pruning."""

import numpy as np

from ..errors import GraphError, ShapeError, located


def verify(graph):
    """Raise GraphError unless every invariant of a graph holds; returns ``graph``.

    Each blob is written once, and before it is read; in-place versions of a name follow each other; inputs are the
    tops of input layers and outputs are written; shapes are known exactly when those that they follow from are, and are
    what the layers say; parameters have the shapes that the layers ask for, in float32. No filler runs.
    """
    versions, written = {}, set()
    for node in graph.nodes:
        with located(layer=node.name):
            node.layer.check_counts(len(node.bottoms), len(node.tops))
            for blob in node.bottoms:
                if blob not in written:
                    raise GraphError(f"bottom {blob} is not written by an earlier layer")
            for blob in node.tops:
                _check_written_once(blob, node, versions, written)
            _check_shapes(node)
    _check_ends(graph, written)
    if graph.ready:
        for node in graph.nodes:
            with located(layer=node.name):
                _check_params(node)
    return graph


def _check_written_once(blob, node, versions, written):
    if blob in written:
        raise GraphError(f"top {blob} is already written by an earlier layer")
    written.add(blob)
    if node.layer.is_loss and blob.version == 0 and blob.name == "(automatic)":
        return      # Caffe gives that name to several
    if versions.get(blob.name, -1) != blob.version - 1:
        raise GraphError(f"top {blob} is version {blob.version} of that name, after "
                         f"{'none' if blob.name not in versions else versions[blob.name]}")
    versions[blob.name] = blob.version


def _check_shapes(node):
    for blob in (*node.bottoms, *node.tops):
        shape = blob.shape
        if shape is not None and not (type(shape) is tuple and all(type(d) is int and d >= 0 for d in shape)):
            raise ShapeError(f"blob {blob.name!r} has the shape {shape!r}, not a tuple of ints from 0")
    if node.layer.is_input:
        return
    have, bottoms = [blob.shape for blob in node.tops], [blob.shape for blob in node.bottoms]
    if None in bottoms:
        want = [None] * len(have)
    else:
        want = [tuple(shape) for shape in node.layer.shapes(bottoms)][:len(have)]
    if have != want:
        raise ShapeError(f"tops have shapes {_listed(have)}, {node.type} makes {_listed(want)} of {_listed(bottoms)}")


def _check_params(node):
    have = [param.shape for param in node.params]
    want = [tuple(shape) for shape in node.layer.param_shapes([blob.shape for blob in node.bottoms])]
    if have != want:
        raise ShapeError(f"parameters have shapes {_listed(have)}, {node.type} asks for {_listed(want)}")
    for i, param in enumerate(node.params):
        if param.loaded and (param.array.dtype != np.float32 or param.array.shape != param.shape):
            raise GraphError(f"parameter {i} holds {param.array.dtype} of shape {param.array.shape}, "
                             f"not float32 of shape {param.shape}")


def _check_ends(graph, written):
    inputs = [blob for node in graph.nodes if node.layer.is_input for blob in node.tops]
    if list(graph.inputs) != inputs:
        raise GraphError(f"the inputs are {_listed(graph.inputs)}, the input layers make {_listed(inputs)}")
    for blob in graph.outputs:
        if blob not in written:
            raise GraphError(f"output {blob} is written by no layer")
    names = [blob.name.encode() for blob in graph.outputs]
    if names != sorted(set(names)):
        raise GraphError(f"outputs must be sorted by name, each once: {_listed(graph.outputs)}")


def _listed(things):
    return ", ".join(map(str, things)) or "none"
