"""How channels run through each layer type: a function ``(flow, node, ins) -> outs`` for each.

``ins`` and ``outs`` are (axis, labels) of each bottom and top, ``flow`` is what
:func:`scalpel_rt.pruning.couple.couple` walks with: a rule joins labels that must go together, cuts parameters along
them, and holds fast what fewer channels could not express. A type without a rule holds all its bottoms fast.
"""

import numpy as np

from ..layers._base import count
from ..layers._elementwise import Elementwise
from ..layers.axpy import Axpy
from ..layers.batch_norm import BatchNorm
from ..layers.bias import Bias
from ..layers.bn import BN
from ..layers.concat import Concat
from ..layers.convolution import Convolution
from ..layers.crop import Crop
from ..layers.deconvolution import Deconvolution
from ..layers.dropout import Dropout
from ..layers.eltwise import Eltwise
from ..layers.flatten import Flatten
from ..layers.implicit import Implicit
from ..layers.inner_product import InnerProduct
from ..layers.interp import Interp
from ..layers.lrn import LRN
from ..layers.mvn import MVN
from ..layers.pooling import Pooling
from ..layers.prelu import PReLU
from ..layers.prior_box import PriorBox
from ..layers.reshape import Reshape
from ..layers.roi_align import ROIAlign
from ..layers.roi_pooling import ROIPooling
from ..layers.scale import Scale
from ..layers.silence import Silence
from ..layers.slice import Slice
from ..layers.softmax import Softmax
from ..layers.split import Split
from ..layers.spp import SPP
from ..layers.tile import Tile
from ..layers.upsample import Upsample

#: the axis of a parameter that runs over the inputs (of a Deconvolution: the outputs) of all groups after each other
BLOCKS = "blocks"


RULES = {}


def _rule(*classes):
    """Decorator: the function tells (axis, labels) of the tops from those of the bottoms, for layers of these
    classes."""
    def enter(function):
        RULES.update(dict.fromkeys(classes, function))
        return function
    return enter


@_rule(Convolution)
def _convolution(flow, node, ins):
    layer, deconvolution = node.layer, isinstance(node.layer, Deconvolution)
    axis = layer.axis(layer.windows.axis, node.bottoms[0].shape)
    if any(a != axis for a, _ in ins):
        return flow.opaque(node)
    (_, inputs), *others = ins
    for _, labels in others:
        flow.join(inputs, labels)
    group, outputs = layer.group, flow.made(node, layer.num_output)
    flow.reads[node] = ins[0]
    if len(inputs) == group > 1:        # depthwise: a channel that is gone takes its outputs along
        flow.join(np.repeat(inputs, layer.num_output // group), outputs)
    elif group > 1:
        flow.grouped[node] = inputs, outputs
    weight = node.params[0].shape
    for param in node.params:           # masks of pruning forks lie beside what they mask
        if param.shape != weight:
            flow.cut(param, 0, outputs)
            continue
        rows, columns = (inputs, outputs) if deconvolution else (outputs, inputs)
        flow.cut(param, 0, rows)
        if node in flow.grouped:
            flow.cut(param, BLOCKS, columns)
        elif group == 1:
            flow.cut(param, 1, columns)
    return [(axis, outputs)] * len(node.tops)


@_rule(InnerProduct)
def _inner_product(flow, node, ins):
    (axis, labels), shape = ins[0], node.bottoms[0].shape
    first = node.layer.axis(node.layer.first_axis, shape)
    outputs = flow.made(node, node.layer.num_output)
    if axis < first:
        flow.pin(labels, f"layer {node.name!r}, {node.type}, takes them for items of a batch")
    else:
        flow.reads[node] = ins[0]
    for param in node.params:
        if param.shape != node.params[0].shape:
            flow.cut(param, 0, outputs)
            continue
        rows, columns = (1, 0) if node.layer.transpose else (0, 1)
        flow.cut(param, rows, outputs)
        if axis >= first:
            flow.cut(param, columns, _spread(labels, axis - first, shape[first:]))
    return [(first, outputs)]


def _spread(labels, axis, shape):
    """The label of every number of an array of ``shape``, flat."""
    along = [1] * len(shape)
    along[axis] = -1
    return np.broadcast_to(labels.reshape(along), shape).ravel()


@_rule(Elementwise, Dropout, Split)
def _same(flow, node, ins):
    return ins * len(node.tops)


@_rule(Silence, Implicit)
def _no_tops(flow, node, ins):
    return []


@_rule(Pooling)
def _pooling(flow, node, ins):
    return ins * len(node.tops) if ins[0][0] == 1 else flow.opaque(node)


@_rule(LRN)
def _lrn(flow, node, ins):
    axis, _ = ins[0]
    if axis != 1 or not (node.layer.within or flow.approximate):
        return flow.opaque(node, f"layer {node.name!r}, LRN across channels, lets each feel its neighbours "
                                 "(approximate=True removes them all the same)")
    return ins


@_rule(MVN)
def _mvn(flow, node, ins):
    return flow.opaque(node) if node.layer.across_channels or ins[0][0] != 1 else ins


@_rule(Softmax)
def _softmax(flow, node, ins):
    axis, _ = ins[0]
    return flow.opaque(node) if node.layer.axis(node.layer.along, node.bottoms[0].shape) == axis else ins


@_rule(BN)
def _bn(flow, node, ins):
    axis, labels = ins[0]
    if axis != 1:
        return flow.opaque(node)
    for param in node.params:
        flow.cut(param, 1, labels)
    return ins * len(node.tops)


@_rule(BatchNorm)
def _batch_norm(flow, node, ins):
    axis, labels = ins[0]
    if axis == 1:
        for param in node.params[:2]:
            flow.cut(param, 0, labels)
    return ins


@_rule(PReLU)
def _prelu(flow, node, ins):
    axis, labels = ins[0]
    if axis == 1 and not node.layer.channel_shared:
        flow.cut(node.params[0], 0, labels)
    return ins


@_rule(Scale, Bias)
def _along(flow, node, ins):
    axis, labels = ins[0]
    first, operand = node.layer.place([blob.shape for blob in node.bottoms])
    place = axis - first
    covered = 0 <= place < len(operand)
    if len(ins) == 2:
        own, others = ins[1]
        if covered and own == place:
            flow.join(labels, others)
        elif covered:
            return flow.opaque(node)
        else:
            flow.pin(others, f"layer {node.name!r}, {node.type}, needs all of them")
    if covered:
        for param in node.params:
            flow.cut(param, place, labels)
        if node.layer.learnt and isinstance(node.layer, Scale) and operand == labels.shape:
            flow.scales.append((labels, node.params[0]))
    return ins[:1]


@_rule(Eltwise)
def _eltwise(flow, node, ins):
    axis, labels = ins[0]
    for other, theirs in ins[1:]:
        if other != axis:
            return flow.opaque(node)
        flow.join(labels, theirs)
    return ins[:1]


@_rule(Axpy)
def _axpy(flow, node, ins):
    if any(axis != 1 for axis, _ in ins):
        return flow.opaque(node)
    for _, labels in ins[1:]:
        flow.join(ins[0][1], labels)
    return ins[:1]


@_rule(Concat)
def _concat(flow, node, ins):
    axis, labels = ins[0]
    if any(other != axis for other, _ in ins):
        return flow.opaque(node)
    if node.layer.axis(node.layer.along, node.bottoms[0].shape) == axis:
        return [(axis, np.concatenate([theirs for _, theirs in ins]))]
    for _, theirs in ins[1:]:
        flow.join(labels, theirs)
    return ins[:1]


@_rule(Slice)
def _slice(flow, node, ins):
    axis, labels = ins[0]
    along, cuts = node.layer.cuts(node.bottoms[0].shape)
    if along != axis:
        return ins * len(node.tops)
    return [(axis, piece) for piece in np.split(labels, cuts[1:-1])]


@_rule(Flatten, Reshape)
def _reshape(flow, node, ins):
    place = reshaped_axis(node.bottoms[0].shape, ins[0][0], node.tops[0].shape)
    if place is None:
        return flow.opaque(node)
    axis, times = place
    return [(axis, np.repeat(ins[0][1], times))]


def reshaped_axis(shape, axis, new):
    """Where an axis of ``shape`` goes in a reshape to ``new``: (axis, how many of its inner numbers each of its
    positions has there), or None where it does not stay one axis."""
    outer, inner = count(shape, 0, axis), count(shape, axis + 1)
    for b, size in enumerate(new):
        times, rest = divmod(size, shape[axis]) if shape[axis] else (0, 0)
        if times and not rest and count(new, 0, b) == outer and count(new, b + 1) * times == inner:
            return b, times
    return None


@_rule(SPP)
def _spp(flow, node, ins):
    axis, labels = ins[0]
    if axis != 1:
        return flow.opaque(node)
    if node.layer.height == 1:
        return ins
    return [(1, np.concatenate([np.repeat(labels, count(out)) for _, _, out in
    node.layer.levels(node.bottoms[0].shape)]))]


@_rule(Tile)
def _tile(flow, node, ins):
    axis, labels = ins[0]
    along = node.layer.axis(node.layer.along, node.bottoms[0].shape)
    return [(axis, np.tile(labels, node.layer.tiles))] if along == axis else ins


@_rule(Crop)
def _crop(flow, node, ins):
    first = node.layer.axis(node.layer.first, node.bottoms[0].shape)
    if any(axis >= first for axis, _ in ins):
        return flow.opaque(node)
    return ins[:1]      # of the second bottom only the sizes that are cropped to count


@_rule(Upsample)
def _upsample(flow, node, ins):
    if any(axis != 1 for axis, _ in ins):
        return flow.opaque(node)
    for _, labels in ins[1:]:
        flow.join(ins[0][1], labels)
    return ins[:1]


@_rule(Interp)
def _interp(flow, node, ins):
    if any(axis != 1 for axis, _ in ins):
        return flow.opaque(node)
    return ins[:1]      # of the second bottom only height and width count


@_rule(ROIPooling, ROIAlign)
def _regions(flow, node, ins):
    if ins[0][0] != 1:
        return flow.opaque(node)
    flow.pin(ins[1][1], f"layer {node.name!r}, {node.type}, needs all of them")
    return ins[:1]


@_rule(PriorBox)
def _prior_box(flow, node, ins):
    if any(axis != 1 for axis, _ in ins):
        return flow.opaque(node)
    return [flow.held(blob, f"they come from layer {node.name!r}, {node.type}") for blob in node.tops]
