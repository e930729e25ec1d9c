"""Takes classes of channels out of a graph: parameters are cut, prototxt fields rewritten, the net is built anew."""

from dataclasses import dataclass

import numpy as np

from ..errors import OptionsError, UnsupportedError, located
from ..graph import build, reshape
from ..graph.save import to_message
from ..layers.convolution import Convolution
from ..layers.deconvolution import Deconvolution
from ..layers.dropout import Dropout
from ..layers.inner_product import InnerProduct
from ..layers.reshape import Reshape
from ..layers.slice import Slice
from ..options import Limits
from .rules import BLOCKS, reshaped_axis

#: what is already in memory is within limits
NO_LIMITS = Limits(2**63, 2**63, 2**63)


def remove(coupling, gone):
    """The graph of ``coupling`` without the classes of ``gone`` (bool array (classes,)): a plain net with smaller
    layers.

    Its output is that of the whole net in which all that the removed nodes feed, behind their activations, pooling
    and normalisation, is zero. A grouped convolution whose groups lose different numbers of channels becomes a Slice,
    a convolution for each group and a Concat; the ratio of a Dropout falls with the share of what runs through it
    (Scalpel, section 4.2). Raises OptionsError for a class that cannot go, and when nothing of a layer would be left.
    """
    _check(coupling, gone)
    graph, message = coupling.graph, to_message(coupling.graph)
    plain = list(message.layer)
    del message.layer[:]
    names = {n for node in graph.nodes for n in (node.name, *(b.name for b in (*node.bottoms, *node.tops)))}
    arrays = []
    for node, said in zip((n for n in graph.nodes if not n.implicit), plain, strict=True):
        with located(layer=node.name):
            for layer, params in _Surgery(coupling, gone, names).operate(node, said):
                message.layer.append(layer)
                arrays.append(params)
    made = build(message, graph.phase, trusted=any(node.layer.trusted for node in graph.nodes), limits=NO_LIMITS)
    made = reshape(made, {blob.name: blob.shape for blob in graph.inputs}, limits=NO_LIMITS)
    for node, params in zip((n for n in made.nodes if not n.implicit), arrays, strict=True):
        for param, array in zip(node.params, params, strict=True):
            param.array = array
    _check_shapes(coupling, gone, made)
    return made


def parts_of(graph, name):
    """The layers that stand for the convolution ``name`` now: itself, or those that it has been split into."""
    node = next((node for node in graph.nodes if node.name == name), None)
    if node is None or node.type != "Concat":
        return [name]
    return [other.name for other in graph.nodes if any(top in node.bottoms for top in other.tops)]


def _check(coupling, gone):
    for c in np.flatnonzero(gone).tolist():
        if c in coupling.pinned:
            layer, index = next(((name, int(np.flatnonzero(classes == c)[0]))
                                 for name, classes in coupling.makers.items() if c in classes), (None, None))
            raise OptionsError(f"node {index} cannot be removed: {coupling.pinned[c]}", layer=layer)
    for name, classes in coupling.makers.items():
        if gone[classes].all():
            raise OptionsError(f"all of its {len(classes)} nodes would be removed", layer=name)
    for node in coupling.graph.nodes:
        for blob in node.tops:
            _, classes = coupling.blobs[blob]
            if len(classes) and gone[classes].all():
                raise OptionsError(f"all channels of its top {blob.name!r} would be removed", layer=node.name)


def _check_shapes(coupling, gone, made):
    """What no rule foresaw must not pass as a result."""
    blobs = made.final_blobs()
    for blob in coupling.graph.final_blobs().values():
        axis, classes = coupling.blobs[blob]
        want = tuple(np.count_nonzero(~gone[classes]) if i == axis else d for i, d in enumerate(blob.shape))
        if blobs[blob.name].shape != want:
            raise UnsupportedError(f"blob {blob.name!r} has shape {blobs[blob.name].shape} after the removal, "
                                   f"where {want} was expected")


@dataclass
class _Surgery:
    """What happens to one layer at a time."""

    coupling: object
    gone: np.ndarray
    names: set

    def operate(self, node, said):
        """[(LayerParameter, arrays)] of what stands in the node's place; ``said`` may be changed."""
        layer = node.layer
        if node in self.coupling.grouped:
            return self.grouped(node, said)
        if isinstance(layer, Convolution):
            self.convolution(node, said)
        elif isinstance(layer, InnerProduct):
            said.inner_product_param.num_output = self.left(self.coupling.makers[node.name])
        elif isinstance(layer, Slice):
            self.slice(node, said)
        elif isinstance(layer, Reshape):
            self.reshape(node, said)
        elif isinstance(layer, Dropout):
            _, classes = self.coupling.blobs[node.bottoms[0]]
            if self.gone[classes].any():
                said.dropout_param.dropout_ratio = layer.ratio * self.left(classes) / len(classes)
        return [(said, [self.array(param) for param in node.params])]

    def left(self, classes):
        """How many of these stay."""
        return int(np.count_nonzero(~self.gone[classes]))

    def array(self, param):
        """A parameter's values that stay, as an array of its own."""
        array, cuts = param.array, self.coupling.cuts.get(param, {})
        for axis, classes in cuts.items():
            if axis != BLOCKS and self.gone[classes].any():
                array = np.compress(~self.gone[classes], array, axis)
        return array if not array.flags.writeable else np.array(array, np.float32)

    def convolution(self, node, said):
        p, classes = said.convolution_param, self.coupling.makers.get(node.name)
        if classes is None:
            return
        p.num_output = self.left(classes)
        if node.layer.group > 1 and p.group == node.layer.group:    # depthwise; some forks' types do not name a group
            p.group = self.left(self.coupling.reads[node][1])

    def slice(self, node, said):
        axis, cuts = node.layer.cuts(node.bottoms[0].shape)
        along, classes = self.coupling.blobs[node.bottoms[0]]
        if along == axis and self.gone[classes].any():
            pieces = [self.left(piece) for piece in np.split(classes, cuts[1:-1])]
            said.slice_param.slice_point[:] = np.cumsum(pieces[:-1]).tolist()

    def reshape(self, node, said):
        shape, (axis, classes) = node.bottoms[0].shape, self.coupling.blobs[node.bottoms[0]]
        if not self.gone[classes].any():
            return
        place, times = reshaped_axis(shape, axis, node.tops[0].shape)
        start = node.layer.first if node.layer.first >= 0 else len(shape) + node.layer.first + 1
        dims = said.reshape_param.shape.dim
        if 0 <= place - start < len(dims) and dims[place - start] != -1:
            dims[place - start] = times * self.left(classes)

    def grouped(self, node, said):
        """A convolution in groups: the same with smaller groups, or, where they differ, one convolution for each."""
        inputs, outputs = (classes.reshape(node.layer.group, -1) for classes in self.coupling.grouped[node])
        sizes = [(self.left(a), self.left(b)) for a, b in zip(inputs, outputs, strict=True)]
        if all(len(i) == self.left(i) for i in inputs) and all(len(o) == self.left(o) for o in outputs):
            return [(said, [self.array(param) for param in node.params])]
        for number, (i, o) in enumerate(sizes):
            if o and not i:
                raise OptionsError(f"all inputs of its group {number} would be removed, but {o} of the outputs stay")
        alive = [number for number, (i, o) in enumerate(sizes) if i and o]
        if len({size for size in sizes if any(size)}) == 1:
            p = said.convolution_param
            p.num_output, p.group = sum(o for _, o in sizes), len(alive)
            return [(said, [np.concatenate([self.block(node, param, n, inputs[n], outputs[n]) for n in alive])
                            for param in node.params])]
        return self.split(node, said, inputs, outputs, sizes, alive)

    def block(self, node, param, number, inputs, outputs):
        """The part of a grouped convolution's parameter that belongs to one group, cut."""
        array, deconvolution = param.array, isinstance(node.layer, Deconvolution)
        array = array.reshape(node.layer.group, len(array) // node.layer.group, *array.shape[1:])[number]
        if param.shape != node.params[0].shape:
            return np.compress(~self.gone[outputs], array, 0)
        rows, columns = (inputs, outputs) if deconvolution else (outputs, inputs)
        return np.compress(~self.gone[columns], np.compress(~self.gone[rows], array, 0), 1)

    def split(self, node, said, inputs, outputs, sizes, alive):
        """Slice, convolutions, Concat. Inputs that no convolution wants any more go to a Silence."""
        if len(said.bottom) > 1 or said.bottom[0] == said.top[0] or any(spec.name for spec in said.param):
            raise OptionsError("its groups would lose different numbers of channels, and a convolution that works in "
                               "place, on several bottoms, or with shared weights cannot be split")
        kind = type(said)
        axis = node.layer.axis(node.layer.windows.axis, node.bottoms[0].shape)
        pieces = [n for n, (i, _) in enumerate(sizes) if i]
        made, bottom_of = [], dict.fromkeys(pieces, said.bottom[0])
        if len(pieces) > 1:
            bottom_of = {n: self.name(f"{node.name}_in{n}") for n in pieces}
            cut = kind(name=self.name(f"{node.name}_slice"), type="Slice", bottom=said.bottom, top=bottom_of.values())
            cut.slice_param.axis = axis
            cut.slice_param.slice_point[:] = np.cumsum([sizes[n][0] for n in pieces[:-1]]).tolist()
            made.append((cut, []))
        top_of = {n: self.name(f"{node.name}_g{n}") if len(alive) > 1 else said.top[0] for n in alive}
        for n in alive:
            one = kind()
            one.CopyFrom(said)
            one.name = top_of[n] if len(alive) > 1 else said.name
            one.bottom[:], one.top[:] = [bottom_of[n]], [top_of[n]]
            one.convolution_param.num_output, one.convolution_param.group = sizes[n][1], 1
            made.append((one, [self.block(node, param, n, inputs[n], outputs[n]) for param in node.params]))
        unread = [bottom_of[n] for n in pieces if n not in alive]
        if unread:
            made.append((kind(name=self.name(f"{node.name}_unread"), type="Silence", bottom=unread), []))
        if len(alive) > 1:
            joined = kind(name=said.name, type="Concat", bottom=top_of.values(), top=said.top)
            joined.concat_param.axis = axis
            made.append((joined, []))
        return made

    def name(self, wanted):
        """``wanted``, or something like it that no layer and no blob is called."""
        while wanted in self.names:
            wanted += "_"
        self.names.add(wanted)
        return wanted
