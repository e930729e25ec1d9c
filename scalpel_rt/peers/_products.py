"""A net whose convolutions and fully connected layers are products of matrices that a library does.

The traditional way, Caffe's: each image's windows are laid out as a matrix (im2col), and the weights, dense or as
compressed rows, are multiplied with it. Passes (BatchNorm folded, ReLU taken into the layer) and all other layers are
ours, so that nothing but the products differs.
"""

import time

import numpy as np

from scalpel_rt.errors import UnsupportedError
from scalpel_rt.options import Options
from scalpel_rt.passes import run_passes
from scalpel_rt.plan.build import compile_program
from scalpel_rt.plan.lower import Lowering
from scalpel_rt.plan.spec import Program


def prepare(net, threads, product):
    """A prepared peer.

    Parameters
    ----------
    net : Net
    threads : int
        For the other layers; the library's are its caller's business.
    product : callable
        product(w) of a weight matrix (M, K), float32, gives a function (x, out): out = w @ x, where x is (K, N) and
        out (M, N), both float32 and C-contiguous.
    """
    return Products(_program(net.graph), Options(threads=threads), product)


def _program(graph):
    lowering = Lowering({blob: blob.shape for node in graph.nodes for blob in node.tops})
    for node in graph.nodes:
        if not node.layer.is_input and not lowering.add(node):
            raise UnsupportedError("this layer cannot be compiled", layer=node.name)
    return run_passes(lowering.program(graph.outputs, inputs=graph.inputs)[0])


class Products:
    """Steps in turn; ``self(x)`` gives the first output, ``self.layers(x)`` {layer: seconds}."""

    def __init__(self, program, options, product):
        self._inputs, self._output = program.inputs, program.outputs[0]
        self._steps = []
        ops, start = program.ops, 0
        for i, op in enumerate((*ops, None)):
            if op is not None and op.kind not in ("conv", "fc"):
                continue
            if i > start:
                self._steps.append(_Others(ops[start:i], _read_after(ops[i:], program.outputs), options))
            if op is not None:
                self._steps.append((_Conv if op.kind == "conv" else _Full)(op, product))
            start = i + 1

    def __call__(self, x):
        values = {self._inputs[0]: x}
        for step in self._steps:
            step.run(values)
        return values[self._output]

    def layers(self, x):
        """Seconds of each layer; one that is several operations is their sum."""
        values, found = {self._inputs[0]: x}, {}
        for step in self._steps:
            for name, seconds in step.time(values):
                found[name] = found.get(name, 0.0) + seconds
        return found


def _read_after(ops, outputs):
    return {*outputs, *(v for op in ops for v in op.inputs)}


class _Others:
    """Operations that are no products, compiled as usual."""

    def __init__(self, ops, needed, options):
        made = dict.fromkeys(v for op in ops for v in op.outputs)
        self.inputs = tuple(dict.fromkeys(v for op in ops for v in op.inputs if v not in made))
        self.outputs = tuple(v for v in made if v in needed)
        self.plan = compile_program(Program(tuple(ops), self.inputs, self.outputs), options)

    def run(self, values):
        values.update(zip(self.outputs, self.plan.run_all(*[values[v] for v in self.inputs]), strict=True))

    def time(self, values):
        self.run(values)
        spent = self.plan.time(*[values[v] for v in self.inputs])
        return [(row.layers, ns / 1e9) for row, ns in zip(self.plan.explain(), spent, strict=True)]


class _Product:
    """What convolutions and fully connected layers share: bias and activation behind the product."""

    def __init__(self, op):
        self.op = op
        bias = op.weights.get("b")
        self.bias = None if bias is None else bias[:, None]
        act = op.attrs.get("act")
        if act is not None and act[0] not in ("relu", "clip"):
            raise UnsupportedError(f"activation {act[0]} behind a product", layer=op.name)
        self.fn, *self.limits = act or (None,)

    def run(self, values):
        values[self.op.outputs[0]] = self.forward(*(values[v] for v in self.op.inputs))

    def time(self, values):
        start = time.perf_counter()
        self.run(values)
        return [(self.op.name, time.perf_counter() - start)]

    def finish(self, y, add=None):
        """Bias (M, 1), what a residual step adds, activation, in place on y (M, N)."""
        if self.bias is not None:
            y += self.bias
        if add is not None:
            y += add
        if self.fn == "relu" and self.limits[0]:
            np.copyto(y, y * np.float32(self.limits[0]), where=y < 0)
        elif self.fn == "relu":
            np.maximum(y, 0, out=y)
        elif self.fn == "clip":
            np.clip(y, *self.limits, out=y)


class _Full(_Product):
    def __init__(self, op, product):
        super().__init__(op)
        self.multiply = product(op.weights["w"])

    def forward(self, x):
        y = np.empty((len(self.op.weights["w"]), len(x)), np.float32)
        self.multiply(np.ascontiguousarray(x.T), y)
        self.finish(y)
        return np.ascontiguousarray(y.T)


class _Conv(_Product):
    def __init__(self, op, product):
        super().__init__(op)
        w, self.groups = op.weights["w"], op.attrs["group"]
        rows = w.reshape(self.groups, len(w) // self.groups, -1)
        self.multiply = [product(np.ascontiguousarray(part)) for part in rows]
        a, self.out = op.attrs, op.outputs[0].shape
        n, c, h, w_in = op.inputs[0].shape
        self.plain = (a["kh"], a["kw"], a["sh"], a["sw"], a["ph"], a["pw"]) == (1, 1, 1, 1, 0, 0)
        self.padded = np.zeros((c, h + 2 * a["ph"], w_in + 2 * a["pw"]), np.float32)
        self.inside = self.padded[:, a["ph"]:a["ph"] + h, a["pw"]:a["pw"] + w_in]
        s = self.padded.strides
        self.windows = np.lib.stride_tricks.as_strided(
            self.padded, (c, a["kh"], a["kw"], *self.out[2:]),
            (s[0], s[1] * a["dh"], s[2] * a["dw"], s[1] * a["sh"], s[2] * a["sw"]), writeable=False)
        self.columns = np.empty(self.windows.shape, np.float32)

    def forward(self, x, add=None):
        y = np.empty(self.out, np.float32)
        for i, image in enumerate(x):
            if self.plain:
                columns = np.ascontiguousarray(image).reshape(self.groups, -1, self.out[2] * self.out[3])
            else:
                self.inside[...] = image
                np.copyto(self.columns, self.windows)
                columns = self.columns.reshape(self.groups, -1, self.out[2] * self.out[3])
            rows = y[i].reshape(self.groups, -1, self.out[2] * self.out[3])
            for multiply, matrix, part in zip(self.multiply, columns, rows, strict=True):
                multiply(matrix, part)
            self.finish(y[i].reshape(self.out[1], -1), None if add is None else add[i].reshape(self.out[1], -1))
        return y
