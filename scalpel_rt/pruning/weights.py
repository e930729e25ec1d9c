"""The weights that can be pruned one by one or in groups, each seen as a matrix of outputs and inputs."""

import difflib
import math
from dataclasses import dataclass, replace

import numpy as np

from ..errors import OptionsError, ShapeError, WeightsError
from ..graph.ir import Param
from ..graph.params import with_arrays
from ..layers.convolution import Convolution
from ..layers.deconvolution import Deconvolution
from ..layers.inner_product import InnerProduct


@dataclass(frozen=True, eq=False)
class Weight:
    """The weights of one layer; of the first one, where several share them.

    layer : str
    param : Param
    parts : int
        The ``group`` of a convolution: its outputs are so many blocks of rows, each over inputs of its own.
    turned : bool
        Stored as (inputs, outputs): an InnerProduct with ``transpose``.
    asked : str or None
        The name that it was picked by, which may be that of a layer that shares it.
    """

    layer: str
    param: Param
    parts: int = 1
    turned: bool = False
    asked: str = None

    @property
    def key(self):
        """What masks are filed under: (layer, number of the blob)."""
        return self.layer, 0

    @property
    def size(self):
        return math.prod(self.param.shape)

    def matrix(self):
        """(outputs, inputs), float32; not to be written."""
        array = self.param.array
        return array.T if self.turned else array.reshape(len(array), -1)

    def restored(self, matrix):
        """An array (outputs, inputs) in the shape that the layer stores."""
        return np.ascontiguousarray(matrix.T) if self.turned else matrix.reshape(self.param.shape)


def weights(graph, layers=None):
    """The prunable weights of a graph, a list of :class:`Weight` in the order of the net.

    Convolutions and fully connected layers have some; ``layers``, an iterable of names, picks among them. Raises
    OptionsError for a name that is not there or has none, ShapeError while the shape of an input is unknown,
    WeightsError for a NaN.
    """
    if not graph.ready:
        raise ShapeError("the net has no parameters yet: the shape of an input is unknown; reshape it first")
    found, by_layer = _all_weights(graph)
    if layers is not None:
        asked = {}
        for name in layers:
            check_layer(name, by_layer, graph, "weights that can be pruned so")
            owner = by_layer[name].param
            if owner in asked:
                raise OptionsError(f"shares its weights with layer {asked[owner]!r}; name one of them", layer=name)
            asked[owner] = name
        found = {owner: replace(weight, asked=asked[owner]) for owner, weight in found.items() if owner in asked}
    if not found:
        raise OptionsError("the net has no convolution or fully connected layer to prune")
    names = [weight.layer for weight in found.values()]
    for weight in found.values():
        if names.count(weight.layer) > 1:
            raise OptionsError(f"{names.count(weight.layer)} layers with weights have this name; rename them to prune",
                               layer=weight.layer)
        if np.isnan(weight.param.array).any():
            raise WeightsError("there is a NaN in the weights", layer=weight.layer)
    return list(found.values())


def _all_weights(graph):
    """({owning Param: Weight}, {layer: Weight}), where layers that share their weights share a Weight."""
    found, by_layer = {}, {}
    for node in graph.nodes:
        if isinstance(node.layer, Convolution | InnerProduct) and not isinstance(node.layer, Deconvolution):
            owner = node.params[0].owner or node.params[0]
            weight = found.get(owner) or Weight(node.name, owner, getattr(node.layer, "group", 1),
                                                getattr(node.layer, "transpose", False))
            if weight.size:
                found[owner] = by_layer[node.name] = weight
    return found, by_layer


def zero_masks(graph):
    """What pruning has left of the prunable weights: {owning Param: bool array of its shape, True = not zero}.

    Those without a zero are not in it; nor are those of nothing but zeros, which were never trained.
    """
    masks = {owner: owner.array != 0 for owner in _all_weights(graph)[0]}
    return {owner: mask for owner, mask in masks.items() if mask.any() and not mask.all()}


def check_finite(graph):
    """WeightsError that names the layer, where a parameter of a graph, prunable or not, is NaN or infinite."""
    for node in graph.nodes:
        for number, param in enumerate(node.params):
            if not np.isfinite(param.array).all():
                raise WeightsError(f"there is a NaN or an infinity in its parameter {number}", layer=node.name)


def by_owner(value, found):
    """``value``, where it is {layer as the user named it: number}, under the names of :func:`weights`."""
    return {w.layer: value[w.asked] for w in found} if isinstance(value, dict) else value


def check_layer(name, able, graph, what):
    """OptionsError unless ``name`` is one of ``able``, the layers that have ``what``."""
    if name in able:
        return
    node = next((node for node in graph.nodes if node.name == name), None)
    if node is not None:
        raise OptionsError(f"a layer of type {node.type} has no {what}; {', '.join(able) or 'no layer'} can be pruned",
                           layer=name)
    near = difflib.get_close_matches(str(name), able, n=3)
    raise OptionsError(f"the net has no layer {name!r}"
                       + (f"; did you mean {' or '.join(near)}?" if near else f"; it has {', '.join(able)}"))


def apply_masks(graph, masks):
    """A graph like ``graph`` whose weights are zero where ``masks``, {(layer, 0): bool array of the weights' shape},
    are False."""
    arrays = {weight.param: np.where(masks[weight.key], weight.param.array, np.float32(0))
              for weight in weights(graph, [layer for layer, _ in masks])}
    return with_arrays(graph, arrays)


def zeros(graph, layers=None):
    """{layer: (zero weights, all weights)} of the prunable layers."""
    return {w.layer: (w.size - int(np.count_nonzero(w.param.array)), w.size) for w in weights(graph, layers)}
