"""Tries a net out: with shapes where it says none, with random weights and inputs where there are none."""

import time

import numpy as np

from ..errors import ScalpelError, ShapeError
from ..graph import reshape
from ..layers._base import count
from ..options import Options
from ..plan.build import compile_graph

SIZES = ((224, 224), (227, 227), (32, 32), (28, 28), (300, 300), (299, 299), (500, 500), (360, 480))
#: (type, number of parameters) of layers that divide by what they have learnt -> what they start from
STATISTICS = {("BatchNorm", 3): (0, 1, 1), ("BN", 4): (1, 0, 0, 1)}
LABELS = ("label", "sem", "geo", "seg", "landmark", "target")
REGIONS = ("rois", "gt_boxes", "boxes")


def guess_shapes(graph, weights=None):
    """(a graph with all shapes, {input: shape that was made up}); for a graph that has them, itself and {}.

    An image is taken for (1, 3, 224, 224), or other usual sizes where that does not fit, labels for one a image or one
    a pixel. Raises the ShapeError of the first guess when none fits.
    """
    if graph.ready:
        return graph, {}
    first = None
    for channels in (3, 1):
        for size in SIZES:
            for dense in (False, True):
                shapes = _guess(graph, channels, size, dense)
                try:
                    made = reshape(graph, shapes, weights=weights)
                except ScalpelError as error:
                    first = first or error
                    continue
                return made, shapes
    raise first


def _guess(graph, channels, size, dense):
    shapes = {}
    for node in graph.nodes:
        if not node.layer.is_input:
            continue
        for j, (blob, said) in enumerate(zip(node.tops, node.layer.shapes([]), strict=True)):
            if blob.shape is not None:
                continue
            if said is not None and len(said) == 4 and said[2] == 0 and said[3]:
                shapes[blob.name] = tuple(d or 1 for d in said)     # lists of boxes
            elif said is not None and len(said) == 4:
                shapes[blob.name] = tuple(d or usual for d, usual in zip(said, (1, channels, *size), strict=True))
            elif said is not None:
                shapes[blob.name] = tuple(d or 1 for d in said)
            elif blob.name == "im_info":
                shapes[blob.name] = 1, 3
            elif blob.name in REGIONS:
                shapes[blob.name] = 1, 5
            elif j or blob.name in LABELS:
                shapes[blob.name] = (1, 1, *size) if dense else (1,)
            else:
                shapes[blob.name] = 1, channels, *size
    return shapes


def one_item(graph):
    """The graph for a batch of 1, where its layers take that; else as it is."""
    try:
        return reshape(graph, {blob.name: (1, *blob.shape[1:]) for blob in graph.inputs if blob.shape})
    except ScalpelError:
        return graph


def fill_weights(graph, seed=0):
    """Random numbers of a size that keeps values in range (He et al. 2015) for the weights that have no values yet.

    Statistics become a mean of 0 and a variance of 1; what else is a vector starts as its filler says.
    """
    rng = np.random.default_rng(seed)
    for node in graph.nodes:
        for param, value in zip(node.params, STATISTICS.get((node.type, len(node.params)), ()), strict=False):
            if not param.loaded:
                param.array = np.full(param.shape, value, np.float32)
        for param in node.params:
            if not param.loaded and count(param.shape) > max(param.shape, default=1):   # not one number for a channel
                scale = np.float32(np.sqrt(2 / max(1, count(param.shape, 1))))
                param.array = rng.standard_normal(param.shape, np.float32) * scale


def random_inputs(graph, seed=0):
    """An array for each input: images from 0 to 1, labels 0, one object to be found, regions in the image's corner."""
    rng = np.random.default_rng(seed)
    image = next((blob.shape for blob in graph.inputs if len(blob.shape) == 4), (1, 1, 16, 16))
    arrays = []
    for blob in graph.inputs:
        if blob.name == "im_info" and blob.shape[-1:] == (3,):
            array = np.broadcast_to(np.array([image[2], image[3], 1], np.float32), blob.shape)
        elif blob.name in REGIONS and blob.shape[-1:] == (5,):
            array = np.broadcast_to(np.array([0, 0, 0, 15, 15], np.float32), blob.shape)
        elif "label" in blob.name and len(blob.shape) == 4 and blob.shape[3] == 8:  # SSD's: item, class, number, box
            array = np.broadcast_to(np.array([0, 1, 0, 0.1, 0.1, 0.9, 0.9, 0], np.float32), blob.shape)
        elif any(word in blob.name for word in LABELS):
            array = np.zeros(blob.shape, np.float32)
        else:
            array = rng.random(blob.shape, np.float32)
        arrays.append(array)
    return arrays


def run(graph, seed=0):
    """One forward: (seconds, names of outputs that are not finite). What has no weights gets random ones."""
    if not graph.ready:
        raise ShapeError("the shape of an input is not known")
    fill_weights(graph, seed)
    plan = compile_graph(graph, Options())
    arrays = random_inputs(graph, seed)
    start = time.perf_counter()
    results = plan.run_all(*arrays)
    seconds = time.perf_counter() - start
    wild = [not np.isfinite(array).all() for array in results]
    return seconds, [blob.name for blob, bad in zip(graph.outputs, wild, strict=True) if bad]
