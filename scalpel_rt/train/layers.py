"""Each trainable Caffe type in torch: one function ``(layer, bottoms, params, training) -> [tops]``."""

import functools

import torch
from torch.nn import functional as F

from ..errors import UnsupportedError

_functions = {}


def check(node):
    """UnsupportedError, with the layer's name, where a graph node cannot be part of a trained net."""
    why = ""
    if node.layer.is_loss or node.type == "Accuracy":
        why = (f"{node.type} layers are no part of training here, where the loss is the recipe's: give the deploy net, "
               "or take this layer and the labels out")
    elif node.type not in _functions:
        why = f"{node.type} layers cannot be trained here"
    elif node.type == "Pooling" and node.layer.method not in ("MAX", "AVE"):
        why = f"{node.layer.method} pooling cannot be trained here; MAX or AVE can"
    elif node.type == "Pooling" and len(node.tops) > 1:
        why = f"Pooling with a second top, the mask {node.tops[1].name!r}, cannot be trained here; take that top out"
    if why:
        raise UnsupportedError(why, layer=node.name)


def is_statistic(type_name):
    """Whether the learnt blobs of this type follow the data rather than a gradient."""
    return type_name == "BatchNorm"


def run(node, bottoms, params, training):
    """The tops of a graph node, a list of tensors."""
    return _functions[node.type](node.layer, bottoms, params, training)


def _trains(*types):
    def enter(function):
        for name in types:
            _functions[name] = function
        return function
    return enter


def _second(params):
    return params[1] if len(params) > 1 else None


@_trains("Convolution", "ConvolutionDepthwise", "DepthwiseConvolution")
def _convolution(layer, bottoms, params, training):
    w, _ = layer.geometry(tuple(bottoms[0].shape))
    f = (F.conv1d, F.conv2d, F.conv3d)[len(w.kernel) - 1]
    return [f(x, params[0], _second(params), w.stride, w.pad, w.dilation, layer.group) for x in bottoms]


@_trains("Deconvolution")
def _deconvolution(layer, bottoms, params, training):
    w, _ = layer.geometry(tuple(bottoms[0].shape))
    f = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[len(w.kernel) - 1]
    return [f(x, params[0], _second(params), w.stride, w.pad, 0, layer.group, w.dilation) for x in bottoms]


@_trains("InnerProduct")
def _inner_product(layer, bottoms, params, training):
    x = bottoms[0]
    weight = params[0].t() if layer.transpose else params[0]
    return [F.linear(x.flatten(layer.axis(layer.first_axis, x.shape)), weight, _second(params))]


@_trains("Pooling")
def _pooling(layer, bottoms, params, training):
    x = bottoms[0]
    h, w = x.shape[2:]
    (kh, kw), (oh, ow) = layer.geometry(tuple(x.shape))
    (sh, sw), (ph, pw) = layer.stride, layer.pad
    windows = {"kernel_size": (kh, kw), "stride": (sh, sw)}
    for ceil in (False, True):      # where torch places its windows as Caffe does: no copy of what is pooled
        own = [_windows(size, *along, ceil) for size, along in ((h, (kh, sh, ph)), (w, (kw, sw, pw)))]
        if own == [oh, ow]:
            x = x.contiguous(memory_format=torch.channels_last)     # torch is several times faster so
            pool = F.max_pool2d if layer.method == "MAX" else F.avg_pool2d
            return [pool(x, **windows, padding=(ph, pw), ceil_mode=ceil)]
    # Caffe's last window may hang over the far edge: pad on that side as far as it reaches.
    far_h, far_w = max((oh - 1) * sh + kh - h - ph, 0), max((ow - 1) * sw + kw - w - pw, 0)
    if layer.method == "MAX":
        x = F.pad(x, (pw, far_w, ph, far_h), value=-torch.finfo(x.dtype).max)
        return [F.max_pool2d(x, **windows)[:, :, :oh, :ow]]
    total = F.avg_pool2d(F.pad(x, (pw, far_w, ph, far_h)), **windows, divisor_override=1)[:, :, :oh, :ow]
    # The divisor counts padding, but nothing beyond it.
    rows = [min(i * sh - ph + kh, h + ph) - (i * sh - ph) for i in range(oh)]
    cols = [min(j * sw - pw + kw, w + pw) - (j * sw - pw) for j in range(ow)]
    return [total / (total.new_tensor(rows)[:, None] * total.new_tensor(cols))]


def _windows(size, kernel, stride, pad, ceil):
    """How many windows torch places along one side, 0 where it refuses the padding."""
    count = -(-(size + 2 * pad - kernel) // stride) + 1 if ceil else (size + 2 * pad - kernel) // stride + 1
    return 0 if 2 * pad > kernel else count - (ceil and (count - 1) * stride >= size + pad)


@_trains("LRN")
def _lrn(layer, bottoms, params, training):
    x, n = bottoms[0], layer.size
    if not layer.within:
        squares = F.avg_pool3d(F.pad((x * x)[:, None], (0, 0, 0, 0, n // 2, n // 2)), (n, 1, 1), 1)[:, 0]
        return [x * (layer.k + layer.alpha * squares) ** -layer.beta]
    squares = F.avg_pool2d(x * x, n, 1, n // 2, count_include_pad=True)
    return [x * (1 + layer.alpha * squares) ** -layer.beta]


@_trains("BatchNorm")
def _batch_norm(layer, bottoms, params, training):
    x, (mean, variance, factor, *affine) = bottoms[0], params   # affine: of the Scale behind it
    if training and not layer.message.batch_norm_param.use_global_stats:
        keep = layer.message.batch_norm_param.moving_average_fraction
        m, v = torch.zeros_like(mean), torch.ones_like(variance)
        y = F.batch_norm(x, m, v, *affine, training=True, momentum=1.0, eps=layer.eps)  # m and v become this batch's
        for held, now in ((factor, 1), (mean, m), (variance, v)):
            held.mul_(keep).add_(now)
        return [y]
    scale = torch.where(factor == 0, torch.zeros_like(factor), 1 / factor)
    return [F.batch_norm(x, mean * scale, variance * scale, *affine, eps=layer.eps)]


def _along(layer, bottoms, operand):
    """A Scale or Bias operand shaped so that it broadcasts against the first bottom, and of its type."""
    axis, _ = layer.place([tuple(b.shape) for b in bottoms])
    operand = operand.to(bottoms[0].dtype)
    return operand.reshape((1,) * axis + tuple(operand.shape) + (1,) * (bottoms[0].dim() - axis - operand.dim()))


@_trains("Scale")
def _scale(layer, bottoms, params, training):
    scale, *bias = [*bottoms[1:], *params]
    y = bottoms[0] * _along(layer, bottoms, scale)
    return [y + _along(layer, bottoms, bias[0])] if bias else [y]


@_trains("Bias")
def _bias(layer, bottoms, params, training):
    return [bottoms[0] + _along(layer, bottoms, [*bottoms[1:], *params][0])]


@_trains("ReLU")
def _relu(layer, bottoms, params, training):
    slope, = layer.p
    return [F.leaky_relu(bottoms[0], slope) if slope else F.relu(bottoms[0])]


@_trains("PReLU")
def _prelu(layer, bottoms, params, training):
    return [F.prelu(bottoms[0], params[0].reshape(-1))]


@_trains("ELU")
def _elu(layer, bottoms, params, training):
    return [F.elu(bottoms[0], layer.p[0])]


@_trains("Sigmoid")
def _sigmoid(layer, bottoms, params, training):
    return [torch.sigmoid(bottoms[0])]


@_trains("TanH")
def _tanh(layer, bottoms, params, training):
    return [torch.tanh(bottoms[0])]


@_trains("AbsVal")
def _abs_val(layer, bottoms, params, training):
    return [bottoms[0].abs()]


@_trains("BNLL")
def _bnll(layer, bottoms, params, training):
    return [F.softplus(bottoms[0], threshold=1e9)]


@_trains("Swish")
def _swish(layer, bottoms, params, training):
    return [bottoms[0] * torch.sigmoid(layer.p[0] * bottoms[0])]


@_trains("Power")
def _power(layer, bottoms, params, training):
    power, scale, shift = layer.p
    y = shift + scale * bottoms[0]
    return [y if power == 1 else y ** power]


@_trains("Exp")
def _exp(layer, bottoms, params, training):
    scale, shift = layer.p
    return [torch.exp(shift + scale * bottoms[0])]


@_trains("Log")
def _log(layer, bottoms, params, training):
    scale, shift, factor = layer.p
    return [factor * torch.log(shift + scale * bottoms[0])]


@_trains("Eltwise")
def _eltwise(layer, bottoms, params, training):
    if layer.operation == "SUM":
        return [sum(c * x for c, x in zip(layer.coeff, bottoms, strict=True))]
    return [functools.reduce(torch.mul if layer.operation == "PROD" else torch.maximum, bottoms)]


@_trains("Concat")
def _concat(layer, bottoms, params, training):
    return [torch.cat(bottoms, layer.axis(layer.along, bottoms[0].shape))]


@_trains("Slice")
def _slice(layer, bottoms, params, training):
    axis, cuts = layer.cuts(tuple(bottoms[0].shape))
    return list(torch.split(bottoms[0], [b - a for a, b in zip(cuts, cuts[1:], strict=False)], axis))


@_trains("Split")
def _split(layer, bottoms, params, training):
    return [bottoms[0]] * len(layer.message.top)


@_trains("Softmax")
def _softmax(layer, bottoms, params, training):
    return [torch.softmax(bottoms[0], layer.axis(layer.along, bottoms[0].shape))]


@_trains("Dropout")
def _dropout(layer, bottoms, params, training):
    return dropout(bottoms, layer.ratio, training)


def dropout(bottoms, ratio, training):
    """The top of a Dropout layer of that ratio."""
    return [F.dropout(bottoms[0], ratio, training)]


@_trains("Silence")
def _silence(layer, bottoms, params, training):
    return []


@_trains("Flatten", "Reshape")
def _reshape(layer, bottoms, params, training):
    return [bottoms[0].reshape(layer.shapes([tuple(bottoms[0].shape)])[0])]
