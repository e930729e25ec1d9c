"""The nets that a comparison can be asked for by name, and weights for nets that come without."""

import math
from pathlib import Path

import numpy as np

from .. import zoo
from ..api import load
from ..graph.params import with_arrays
from ..net import Net

RANDOM = "The weights of {} are random: times and sizes hold, accuracies would not."


def named(name):
    """(Net, a note or None) of a net that comes with the package, with weights where there are some; (None, None) where
    ``name`` is none of them, or a file."""
    if Path(name).exists() or name not in zoo.names():
        return None, None
    prototxt, weights = zoo.files(name)
    if weights is not None:
        return load(prototxt, weights), None
    return random_weights(load(prototxt)), RANDOM.format(name)


def random_weights(net, seed=0):
    """The net with weights that keep the size of its signals (He et al., "Delving Deep into Rectifiers", 2015).

    What is there without a file of weights is what the fillers say, often zeros, which would make everything sparse.
    """
    rng = np.random.default_rng(seed)
    arrays = {}
    for node in net.layers:
        for i, param in enumerate(node.params):
            if param.owner is not None or param in arrays:
                continue
            if node.type == "BatchNorm":
                arrays[param] = (0.1 * rng.standard_normal(param.shape), 0.5 + rng.random(param.shape),
                                 np.ones(param.shape))[i].astype(np.float32)
            elif len(param.shape) > 1:
                inputs = math.prod(param.shape[1:])
                arrays[param] = rng.standard_normal(param.shape, np.float32) * np.float32(math.sqrt(2 / inputs))
    return Net(with_arrays(net.graph, arrays), net.options)
