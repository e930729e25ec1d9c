"""Graphs that differ in their parameters only."""

from dataclasses import replace

from .ir import Param


def with_arrays(graph, arrays=None):
    """A graph like ``graph`` with parameters of its own, so that writing to one never shows in the other.

    ``arrays`` is {Param of ``graph``: float32 array of its shape} for those that change (owners, where storage is
    shared); the others keep their values. What is shared stays shared. ShapeError where an array does not fit.
    """
    arrays, made = dict(arrays or {}), {}

    def own(param):
        if param not in made:
            if param.owner is not None:
                made[param] = Param(share_name=param.share_name, shape=param.shape, owner=own(param.owner))
            else:
                array = arrays.get(param, param.array)
                made[param] = Param(array.copy() if array.flags.writeable else array, param.share_name,
                                    shape=param.shape)
        return made[param]

    return replace(graph, nodes=tuple(replace(node, params=tuple(map(own, node.params))) for node in graph.nodes))
