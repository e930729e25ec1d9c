"""The shapes of all blobs, and the parameters that follow from them."""

import zlib
from dataclasses import replace
from functools import partial

from ..errors import GraphError, LimitError, ShapeError, located
from ..layers._base import count
from ..layers._fillers import check_filler, fill
from ..options import Limits
from .ir import Blob, Param

MAX_AXES = 32  # Caffe's


def with_shapes(graph, given=None, limits=None, seed=0):
    """A graph like ``graph`` whose inputs have other shapes; all shapes that follow are computed and checked.

    Parameters
    ----------
    given : dict, optional
        {input name: shape}; the others keep theirs.
    limits : Limits, optional
        LimitError beyond them, before any memory is taken.
    seed : int
        Of the fillers.

    Shapes that hang on an input of unknown shape stay None. As soon as none does, nodes get their parameters (with
    fillers that run when first asked); those that have some keep them, and a ShapeError is raised where the new
    shapes would need others.
    """
    given = {name: _checked_shape(name, shape) for name, shape in (given or {}).items()}
    inputs = {blob.name for blob in graph.inputs}
    for name in given:
        if name not in inputs:
            raise GraphError(f"the net has no input {name!r}; its inputs are {', '.join(sorted(inputs)) or 'none'}")
    budget = _Budget(limits or Limits())
    new = {}
    nodes = []
    for node in graph.nodes:
        with located(layer=node.name):
            bottoms = tuple(new[blob] for blob in node.bottoms)
            if node.params:
                _check_params(node, [blob.shape for blob in bottoms])
            for old, shape in zip(node.tops, _top_shapes(node, bottoms, given), strict=True):
                new[old] = Blob(old.name, budget.take(f"top {old.name!r}", shape), old.version)
            nodes.append(replace(node, bottoms=bottoms, tops=tuple(new[blob] for blob in node.tops)))
    made = replace(graph, nodes=tuple(nodes), inputs=tuple(new[blob] for blob in graph.inputs),
                   outputs=tuple(new[blob] for blob in graph.outputs))
    if made.ready:
        _add_params(made, budget, seed)
    return made


def _top_shapes(node, bottoms, given):
    if node.layer.is_input:
        return _input_shapes(node, given)
    shapes = [blob.shape for blob in bottoms]
    if None in shapes:
        return [None] * len(node.tops)
    tops = [tuple(int(d) for d in shape) for shape in node.layer.shapes(shapes)]
    # a layer whose top Caffe makes automatically may be asked for fewer tops than it can give, never for more
    if len(tops) < len(node.tops):
        raise GraphError(f"{node.type} makes {len(tops)} top(s), not {len(node.tops)}")
    return tops[:len(node.tops)]


def _input_shapes(node, given):
    """What the caller says, else what was said before, else what the file says; None where a dimension is missing."""
    said = node.layer.shapes([])
    batch = next((given[blob.name][0] for blob in node.tops if given.get(blob.name)), None)
    shapes = []
    for blob, shape in zip(node.tops, said, strict=True):
        shape = shape if blob.shape is None else blob.shape
        if blob.name in given:
            shape = given[blob.name]
        else:
            if node.layer.one_batch and batch is not None and shape:
                shape = (batch, *shape[1:])
            if shape is not None and 0 in shape:
                shape = None
        shapes.append(shape)
    return shapes


def _checked_shape(name, shape):
    try:
        shape = tuple(int(d) for d in shape)
    except TypeError:
        raise ShapeError(f"the shape of input {name!r} must be a sequence of ints, not {shape!r}") from None
    if any(d < 0 for d in shape):
        raise ShapeError(f"input {name!r} cannot have shape {shape}")
    return shape


class _Budget:
    """Counts what the blobs and parameters of a net would take, and stops at the limits."""

    def __init__(self, limits):
        self.limits = limits
        self.bytes = 0

    def take(self, what, shape):
        """``shape`` again, once it is within the limits."""
        if shape is None:
            return None
        if len(shape) > MAX_AXES:
            raise ShapeError(f"{what} would have {len(shape)} axes; a blob has at most {MAX_AXES}")
        if any(d < 0 for d in shape):
            raise ShapeError(f"{what} would have shape {shape}")
        n = count(shape)
        if n > self.limits.max_elements:
            raise LimitError(f"{what} of shape {shape} would have {n} elements, more than "
                             f"Limits.max_elements = {self.limits.max_elements}")
        self.bytes += 4 * n
        if self.bytes > self.limits.max_bytes:
            raise LimitError(f"with {what} of shape {shape} the net would take {self.bytes} bytes, more than "
                             f"Limits.max_bytes = {self.limits.max_bytes}")
        return shape


def _add_params(graph, budget, seed):
    """Give every node of a graph with all shapes its parameters, as Caffe's AppendParam does."""
    owners = {}     # share name -> (Param, name of the layer that made it)
    counted = set()
    for node in graph.nodes:
        with located(layer=node.name):
            if node.params:
                for i, param in enumerate(node.params):
                    if param.owner is None and param not in counted:
                        counted.add(param)
                        budget.take(f"parameter {i}", param.shape)
                    if param.share_name:
                        owners.setdefault(param.share_name, (param, node.name))
                continue
            shapes = _param_shapes(node.layer, [blob.shape for blob in node.bottoms])
            specs = node.layer.message.param
            if len(specs) > len(shapes):
                raise GraphError(f"{len(specs)} param {{ }} entries, but {node.type} has {len(shapes)} parameter(s)")
            fillers = node.layer.fillers()
            params = []
            for i, shape in enumerate(shapes):
                budget.take(f"parameter {i}", shape)
                filler = fillers[i] if i < len(fillers) else None
                check_filler(filler, shape)
                share_name = specs[i].name if i < len(specs) else ""
                if share_name in owners:
                    params.append(_shared(node, i, shape, specs[i], *owners[share_name]))
                    continue
                make = partial(fill, filler, shape, (seed, zlib.crc32(node.name.encode()), i))
                params.append(Param(shape=shape, share_name=share_name, fill=make))
                if share_name:
                    owners[share_name] = params[-1], node.name
            node.params = tuple(params)


def _param_shapes(layer, bottoms):
    return [tuple(int(d) for d in shape) for shape in layer.param_shapes(bottoms)]


def _check_params(node, bottoms):
    """What a net has learnt fixes some of its shapes (channels, not batch or image size)."""
    if None in bottoms:
        return
    have, want = [param.shape for param in node.params], _param_shapes(node.layer, bottoms)
    if have != want:
        raise ShapeError(f"bottoms of shape {', '.join(map(str, bottoms))} would need parameters of "
                         f"shape {', '.join(map(str, want))}, but the net has {', '.join(map(str, have))}")


def _shared(node, i, shape, spec, owner, owner_name):
    """The Param of a layer that shares another's: the owner itself, or a view of it under another shape."""
    permissive = spec.share_mode == spec.PERMISSIVE
    if shape == owner.shape:
        return owner
    if not permissive or count(shape) != count(owner.shape):
        raise ShapeError(f"parameter {i} of layer {node.name!r} shares {spec.name!r} with layer {owner_name!r}, "
                         f"but has shape {shape} where the owner has {owner.shape}"
                         + (" (PERMISSIVE sharing wants the same count)" if permissive else ""))
    return Param(shape=shape, share_name=spec.name, owner=owner)
