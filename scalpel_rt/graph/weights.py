"""Puts weights into the parameters of a graph, matched by layer name as Caffe's CopyTrainedLayersFrom does.

Nothing is copied: a parameter's array becomes a view of what the file's reader hands out. Shared parameters are one
object, so of several layers in the file that hold one, the last wins.
"""

from functools import partial

import numpy as np

from ..caffe.compact import PackedBlob
from ..caffe.weights import Blob
from ..errors import WeightsError, located
from ..layers._base import count


def copy_weights(graph, weights):
    """Fill the parameters of a graph with all shapes from :class:`scalpel_rt.caffe.weights.Weights`.

    Layers of the file that the net lacks are skipped, and layers that the file lacks keep what they have; returns the
    names of the former (those with blobs). Types are not compared. Raises WeightsError where counts or shapes differ.
    """
    by_name = weights.kind in ("hdf5", "compact")
    nodes = {}
    for node in graph.nodes:    # of layers with one name Caffe fills the first, from HDF5 the last
        if by_name or node.name not in nodes:
            nodes[node.name] = node
    optional = _shared_places(graph) if by_name else ()
    ignored = []
    for source in weights.layers:
        node = nodes.get(source.name)
        if node is None:
            if source.blobs:
                ignored.append(source.name)
            continue
        with located(file=weights.path, layer=node.name):
            blobs = list(source.blobs)
            if by_name and len(blobs) < len(node.params):
                blobs += [None] * (len(node.params) - len(blobs))
            _set_params(node, blobs, optional)
    return ignored


def preload(graph):
    """Fill the parameters of layers whose `blobs { }` stand in the prototxt itself."""
    for node in graph.nodes:
        if node.layer.message.blobs:
            with located(layer=node.name):
                _set_params(node, [inline_blob(blob) for blob in node.layer.message.blobs])


def inline_blob(message):
    """A BlobProto as :class:`scalpel_rt.caffe.weights.Blob`; double_data counts before data."""
    legacy = any(message.HasField(field) for field in ("num", "channels", "height", "width"))
    shape = (message.num, message.channels, message.height, message.width) if legacy else tuple(message.shape.dim)
    return Blob(shape, legacy, np.array(message.double_data or message.data, np.float32))


def shapes_match(blob, shape):
    """Caffe's ShapeEquals: exactly equal, or for a legacy shape equal to ``shape`` filled up with 1s from the left."""
    if blob.legacy:
        return len(shape) <= 4 and blob.shape == (1,) * (4 - len(shape)) + shape
    return blob.shape == shape


def _set_params(node, blobs, optional=()):
    """Give ``node`` the blobs of a file; None for one that is missing, which only ``optional`` places may be."""
    if len(blobs) != len(node.params):
        raise WeightsError(f"the weights hold {len(blobs)} blob(s), {node.type} has {len(node.params)}")
    for i, (blob, param) in enumerate(zip(blobs, node.params, strict=True)):
        if blob is None:
            if (node, i) not in optional:
                raise WeightsError(f"the weights lack blob {i} of {len(node.params)}, of shape {param.shape}")
            continue
        if not shapes_match(blob, param.shape):
            raise WeightsError(f"blob {i} has shape {blob.shape} in the weights, {param.shape} in the net")
        if blob.size != count(param.shape):
            raise WeightsError(f"blob {i} has {blob.size} values in the weights, "
                               f"shape {param.shape} holds {count(param.shape)}")
    for blob, param in zip(blobs, node.params, strict=True):    # only now, so that a node is filled whole or not
        if isinstance(blob, PackedBlob):
            param.later(partial(_unpacked, blob, param.shape))
        elif blob is not None:
            param.array = blob.array.reshape(param.shape)


def _unpacked(blob, shape):
    return blob.array.reshape(shape)


def _shared_places(graph):
    """{(node, index)} of the parameters that an earlier layer owns."""
    seen, shared = set(), set()
    for node in graph.nodes:
        for i, param in enumerate(node.params):
            if param in seen or param.owner is not None:
                shared.add((node, i))
            seen.add(param)
    return shared
