"""A NetParameter becomes a graph, by Caffe's rules."""

from ..errors import LimitError
from ..options import Limits
from .filter import State, filter_net
from .ir import Graph
from .shapes import with_shapes
from .verify import verify
from .weights import copy_weights, preload
from .wiring import wire


def build(message, phase="TEST", level=0, stages=(), *, weights=None, trusted=False, limits=None, seed=0):
    """The :class:`~scalpel_rt.graph.ir.Graph` of a net.

    Parameters
    ----------
    message : NetParameter
        Upgraded to the V2 form (`layer`, Input layers); see :mod:`scalpel_rt.caffe`. It is not changed.
    phase, level, stages
        The state that include and exclude rules are held against, as in Caffe's Net constructor.
    weights : Weights, optional
        What :func:`scalpel_rt.caffe.read_weights` returned; without it parameters start as their fillers say.
    trusted : bool
        Layers may run the Python code and write the files that the net names.
    limits : Limits, optional
        How large a net may be.
    seed : int
        Of the fillers.

    Raises :class:`~scalpel_rt.errors.ScalpelError` with the layer's name for whatever Caffe would not set up.
    """
    limits = limits or Limits()
    _check_layers(message, limits.max_layers)
    message, state = filter_net(message, State(phase, level, tuple(stages)))
    nodes, inputs, outputs = wire(message, state.phase, trusted)
    notes = {node.name: node.layer.note for node in nodes if node.layer.note}
    graph = Graph(message.name, nodes, inputs, outputs, state.phase, message, notes)
    return reshape(graph, {}, weights=weights, limits=limits, seed=seed)


def _check_layers(message, most):
    if len(message.layer) > most:
        raise LimitError(f"the net has {len(message.layer)} layers, more than Limits.max_layers = {most}")
    for layer in message.layer:
        for what, names in (("bottoms", layer.bottom), ("tops", layer.top)):
            if len(names) > most:
                raise LimitError(f"{len(names)} {what}, more than Limits.max_layers = {most}", layer=layer.name)


def reshape(graph, shapes, *, weights=None, limits=None, seed=0):
    """A graph like ``graph`` for inputs of other shapes, ``{name: shape}``; it shares layers and parameters with it.

    A graph of which some shapes were unknown until now gets its parameters here: from the prototxt's own blobs, then
    from ``weights``. Raises ShapeError where the shapes do not fit the layers or the parameters that are there.
    """
    made = with_shapes(graph, shapes, limits, seed)
    if made.ready and not graph.ready:
        preload(made)
        if weights is not None:
            copy_weights(made, weights)
    return verify(made)
