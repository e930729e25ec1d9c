"""What a net with some nodes masked computes, found without the library's own analysis of channels."""

import numpy as np

from scalpel_rt.layers.convolution import Convolution
from scalpel_rt.layers.inner_product import InnerProduct
from scalpel_rt.runtime.reference import ReferencePlan


def randomize(graph, seed=0):
    """Give every parameter of ``graph`` random values (positive ones where a variance is meant); returns
    ``graph``."""
    rng = np.random.default_rng(seed)
    for node in graph.nodes:
        for param in node.params:
            if node.type in ("BatchNorm", "BN"):
                param.array = rng.uniform(0.5, 1.5, param.shape).astype(np.float32)
            else:
                param.array = rng.standard_normal(param.shape).astype(np.float32)
    return graph


def feeds(graph, seed=1):
    """Random inputs, in order."""
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(blob.shape).astype(np.float32) for blob in graph.inputs]


def run(graph, arrays):
    """{output name: array}."""
    return dict(zip([blob.name for blob in graph.outputs], ReferencePlan(graph).run_all(*arrays), strict=True))


def masked_run(graph, gone, arrays):
    """The outputs of ``graph`` when all that the nodes ``gone``, {layer: bool array}, reach without passing weights
    is zero for the layers that read it.

    What they reach is seen by changing them: a number that moves with them is theirs.
    """
    rng = np.random.default_rng(2)
    values = dict(zip(graph.inputs, arrays, strict=True))
    reached = {blob: np.zeros(blob.shape, bool) for blob in graph.inputs}
    for node in graph.nodes:
        if node.layer.is_input:
            continue
        xs, ts = [values[b] for b in node.bottoms], [reached[b] for b in node.bottoms]
        params = [param.array for param in node.params]
        if isinstance(node.layer, Convolution | InnerProduct):
            ys = node.layer.forward([np.where(t, np.float32(0), x) for x, t in zip(xs, ts, strict=True)], params)
            axis = node.layer.axis(node.layer.windows.axis if isinstance(node.layer, Convolution)
                                   else node.layer.first_axis, node.bottoms[0].shape)
            along = [1] * ys[0].ndim
            along[axis] = -1
            moved = [np.broadcast_to(gone[node.name].reshape(along), y.shape) for y in ys]
        else:
            ys = node.layer.forward(xs, params)
            moved = [np.zeros(y.shape, bool) for y in ys]
            for sign in (1, -1):
                shaken = [np.where(t, x + sign * rng.uniform(100, 200, x.shape).astype(np.float32), x)
                          for x, t in zip(xs, ts, strict=True)]
                if node.type == "Upsample":     # its second bottom holds places, which can be no others
                    shaken[1:] = xs[1:]
                with np.errstate(all="ignore"):
                    others = node.layer.forward(shaken, params)
                moved = [m | ~np.isclose(y, z, rtol=0, atol=0, equal_nan=True)
                         for m, y, z in zip(moved, ys, others, strict=True)]
        values.update(zip(node.tops, ys, strict=True))
        reached.update(zip(node.tops, moved, strict=True))
    for blob in graph.outputs:
        assert not reached[blob].any(), f"output {blob} is not whole"
    return {blob.name: values[blob] for blob in graph.outputs}
