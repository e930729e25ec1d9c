"""A graph as an ONNX model that computes the same: for other engines, and for comparing with them (extra ``onnx``).

Caffe's pooling sizes become explicit padding at the far edge; LRN within a channel, which ONNX does not have, becomes
its parts. One function here for each Caffe type; what is missing raises UnsupportedError with the layer's name.
"""

import numpy as np

from ..errors import OptionsError, UnsupportedError, located
from ..files import atomic_write

OPSET = 17
_writers = {}


def to_onnx(graph):
    """An ``onnx.ModelProto`` (opset 17) of a :class:`~scalpel_rt.graph.ir.Graph` at its present shapes.

    Inputs and outputs keep their blob names; inner blobs too, with their version added where a layer works in place.
    """
    onnx = _import()
    w = _Writer(onnx)
    for blob in graph.inputs:
        w.names[blob] = blob.name
    for node in graph.nodes:
        if node.layer.is_input:
            continue
        with located(layer=node.name):
            if node.type not in _writers:
                raise UnsupportedError(f"{node.type} layers cannot be written as ONNX")
            for blob in node.tops:
                w.names[blob] = blob.name if blob in graph.outputs else f"{blob.name}.{blob.version}"
            _writers[node.type](w, node)
    float32 = onnx.TensorProto.FLOAT
    body = onnx.helper.make_graph(
        w.nodes,
        graph.name or "net",
        [onnx.helper.make_tensor_value_info(b.name, float32, b.shape) for b in graph.inputs],
        [onnx.helper.make_tensor_value_info(b.name, float32, b.shape) for b in graph.outputs],
        w.constants,
    )
    model = onnx.helper.make_model(
        body, opset_imports=[onnx.helper.make_opsetid("", OPSET)], producer_name="scalpel_rt"
    )
    model.ir_version = 8
    return model


def write_onnx(graph, path):
    """Write :func:`to_onnx` to a file, atomically."""
    with atomic_write(path) as f:
        f.write(to_onnx(graph).SerializeToString())


def _import():
    try:
        import onnx
        import onnx.helper
        import onnx.numpy_helper
    except ImportError as e:
        raise OptionsError("writing ONNX needs the package onnx: pip install 'scalpel-rt[onnx]'") from e
    return onnx


class _Writer:
    """Collects nodes and constants; ``names`` maps blobs to tensor names."""

    def __init__(self, onnx):
        self.onnx, self.nodes, self.constants, self.names, self._kept = onnx, [], [], {}, {}

    def add(self, op, inputs, outputs, **attributes):
        """One ONNX node; blobs and names may be mixed."""
        self.nodes.append(
            self.onnx.helper.make_node(
                op, [self._name(x) for x in inputs], [self._name(x) for x in outputs], **attributes
            )
        )

    def then(self, op, inputs, **attributes):
        """One ONNX node with an inner output, whose name is returned."""
        name = f"inner.{len(self.nodes)}"
        self.add(op, inputs, [name], **attributes)
        return name

    def constant(self, array, dtype=np.float32):
        """The name of a tensor with these values."""
        array = np.asarray(array, dtype)
        name = f"constant.{len(self.constants)}"
        self.constants.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def param(self, param):
        """The name of a learnt blob's tensor, made once for all users."""
        if id(param) not in self._kept:
            self._kept[id(param)] = self.constant(param.array)
        return self._kept[id(param)]

    def _name(self, x):
        return x if isinstance(x, str) else self.names[x]


def _writes(*types):
    def enter(function):
        for name in types:
            _writers[name] = function
        return function

    return enter


@_writes("Convolution", "ConvolutionDepthwise", "DepthwiseConvolution")
def _convolution(w, node):
    for x, y in zip(node.bottoms, node.tops, strict=True):
        windows, out = node.layer.geometry(x.shape)
        if windows.axis != 1 or not out:
            raise UnsupportedError(f"a convolution over axis {windows.axis} of {x.shape} cannot be written as ONNX")
        w.add(
            "Conv",
            [x, *map(w.param, node.params)],
            [y],
            kernel_shape=windows.kernel,
            strides=windows.stride,
            pads=windows.pad * 2,
            dilations=windows.dilation,
            group=node.layer.group,
        )


@_writes("Deconvolution")
def _deconvolution(w, node):
    for x, y in zip(node.bottoms, node.tops, strict=True):
        windows, _ = node.layer.geometry(x.shape)
        w.add(
            "ConvTranspose",
            [x, *map(w.param, node.params)],
            [y],
            kernel_shape=windows.kernel,
            strides=windows.stride,
            pads=windows.pad * 2,
            dilations=windows.dilation,
            group=node.layer.group,
        )


@_writes("InnerProduct")
def _inner_product(w, node):
    x, y = node.bottoms[0], node.tops[0]
    batch, k = node.layer.split(x.shape)
    flat = x if len(x.shape) == 2 else w.then("Reshape", [x, w.constant((batch, k), np.int64)])
    inputs = [flat, *map(w.param, node.params)]
    transposed = 0 if node.layer.transpose else 1
    if len(y.shape) == 2:
        w.add("Gemm", inputs, [y], transB=transposed)
    else:
        w.add("Reshape", [w.then("Gemm", inputs, transB=transposed), w.constant(y.shape, np.int64)], [y])


@_writes("Pooling")
def _pooling(w, node):
    x, y = node.bottoms[0], node.tops[0]
    layer = node.layer
    if len(node.tops) > 1 or layer.method == "STOCHASTIC":
        raise UnsupportedError("pooling with a mask, or stochastic, cannot be written as ONNX")
    kernel, out = layer.geometry(x.shape)
    if kernel == x.shape[2:] and out == (1, 1) and layer.pad == (0, 0):
        w.add("GlobalMaxPool" if layer.method == "MAX" else "GlobalAveragePool", [x], [y])
        return
    reach = [
        (o - 1) * s + k - size - p
        for o, s, k, size, p in zip(out, layer.stride, kernel, x.shape[2:], layer.pad, strict=True)
    ]
    far = [max(r, 0) for r in reach]
    if any(f >= k for f, k in zip(far, kernel, strict=True)):
        raise UnsupportedError("a window outside the image cannot be written as ONNX")
    attributes = {"kernel_shape": kernel, "strides": layer.stride, "pads": [*layer.pad, *far]}
    if layer.method == "MAX":
        w.add("MaxPool", [x], [y], **attributes)
        return
    overhangs = any(f > p for f, p in zip(far, layer.pad, strict=True))
    if overhangs and any(layer.pad):
        raise UnsupportedError("average pooling whose last window reaches beyond the padding cannot be written as ONNX")
    w.add("AveragePool", [x], [y], count_include_pad=int(any(layer.pad)), **attributes)


@_writes("LRN")
def _lrn(w, node):
    x, y, layer = node.bottoms[0], node.tops[0], node.layer
    if not layer.within:
        w.add("LRN", [x], [y], size=layer.size, alpha=layer.alpha, beta=layer.beta, bias=layer.k)
        return
    mean = w.then(
        "AveragePool",
        [w.then("Mul", [x, x])],
        kernel_shape=[layer.size] * 2,
        pads=[layer.size // 2] * 4,
        count_include_pad=1,
    )
    scale = w.then("Add", [w.then("Mul", [mean, w.constant(layer.alpha)]), w.constant(1.0)])
    w.add("Mul", [x, w.then("Pow", [scale, w.constant(-layer.beta)])], [y])


@_writes("BatchNorm")
def _batch_norm(w, node):
    x, y, layer = node.bottoms[0], node.tops[0], node.layer
    if not layer.use_global_stats:
        raise UnsupportedError("BatchNorm on the batch's own statistics cannot be written as ONNX")
    mean, variance = layer.statistics([p.array for p in node.params])
    ones, zeros = np.ones(mean.shape), np.zeros(mean.shape)
    w.add("BatchNormalization", [x, *map(w.constant, (ones, zeros, mean, variance))], [y], epsilon=layer.eps)


def _along(w, node, operand):
    """A Scale or Bias operand under a shape that broadcasts as Caffe's axis says."""
    axis, shape = node.layer.place([b.shape for b in node.bottoms])
    tail = [1] * (len(node.bottoms[0].shape) - axis - len(shape))
    if isinstance(operand, np.ndarray):
        return w.constant(operand.reshape(*shape, *tail))
    return w.then("Reshape", [operand, w.constant((*shape, *tail), np.int64)])


@_writes("Scale")
def _scale(w, node):
    scale, *bias = [*node.bottoms[1:], *(p.array for p in node.params)]
    inputs = [node.bottoms[0], _along(w, node, scale)]
    if bias:
        w.add("Add", [w.then("Mul", inputs), _along(w, node, bias[0])], node.tops)
    else:
        w.add("Mul", inputs, node.tops)


@_writes("Bias")
def _bias(w, node):
    w.add("Add", [node.bottoms[0], _along(w, node, [*node.bottoms[1:], *(p.array for p in node.params)][0])], node.tops)


@_writes("ReLU")
def _relu(w, node):
    (slope,) = node.layer.p
    if slope:
        w.add("LeakyRelu", node.bottoms, node.tops, alpha=slope)
    else:
        w.add("Relu", node.bottoms, node.tops)


@_writes("PReLU")
def _prelu(w, node):
    slope = node.params[0].array
    w.add("PRelu", [node.bottoms[0], w.constant(slope.reshape(-1, *[1] * (len(node.bottoms[0].shape) - 2)))], node.tops)


@_writes("ELU")
def _elu(w, node):
    w.add("Elu", node.bottoms, node.tops, alpha=node.layer.p[0])


@_writes("Sigmoid", "TanH", "AbsVal", "BNLL")
def _named(w, node):
    w.add(
        {"Sigmoid": "Sigmoid", "TanH": "Tanh", "AbsVal": "Abs", "BNLL": "Softplus"}[node.type], node.bottoms, node.tops
    )


@_writes("Power")
def _power(w, node):
    power, scale, shift = node.layer.p
    y = w.then("Add", [w.then("Mul", [node.bottoms[0], w.constant(scale)]), w.constant(shift)])
    w.add("Pow", [y, w.constant(power)], node.tops)


@_writes("Eltwise")
def _eltwise(w, node):
    layer = node.layer
    op = {"SUM": "Sum", "PROD": "Mul", "MAX": "Max"}[layer.operation]
    inputs = list(node.bottoms)
    if op == "Sum":
        inputs = [x if c == 1 else w.then("Mul", [x, w.constant(c)]) for x, c in zip(inputs, layer.coeff, strict=True)]
    while op == "Mul" and len(inputs) > 2:
        inputs[:2] = [w.then("Mul", inputs[:2])]
    w.add(op, inputs, node.tops)


@_writes("Concat")
def _concat(w, node):
    w.add("Concat", node.bottoms, node.tops, axis=node.layer.axis(node.layer.along, node.bottoms[0].shape))


@_writes("Slice")
def _slice(w, node):
    axis, cuts = node.layer.cuts(node.bottoms[0].shape)
    sizes = [b - a for a, b in zip(cuts, cuts[1:], strict=False)]
    w.add("Split", [node.bottoms[0], w.constant(sizes, np.int64)], node.tops, axis=axis)


@_writes("Softmax")
def _softmax(w, node):
    w.add("Softmax", node.bottoms, node.tops, axis=node.layer.axis(node.layer.along, node.bottoms[0].shape))


@_writes("Dropout", "Split")
def _copy(w, node):
    for top in node.tops:
        w.add("Identity", node.bottoms, [top])


@_writes("Flatten", "Reshape")
def _reshape(w, node):
    w.add("Reshape", [node.bottoms[0], w.constant(node.tops[0].shape, np.int64)], node.tops)


@_writes("Permute")
def _permute(w, node):
    w.add("Transpose", node.bottoms, node.tops, perm=node.layer.order(node.bottoms[0].shape))
