"""The shapes of real layers: ``shapes/<net>.txt``, one layer with weights a line, made from :mod:`.nets`.

A line is ``name conv N,C,H,W -> M,OH,OW kernel kh,kw stride sh,sw pad ph,pw dilation dh,dw group g``, or
``name fc N,K -> M``. ``python -m benchmarks.layer_shapes`` writes the files anew.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scalpel_rt.caffe import parse_prototxt
from scalpel_rt.files import atomic_write
from scalpel_rt.graph import build
from scalpel_rt.layers.convolution import Convolution
from scalpel_rt.layers.inner_product import InnerProduct
from scalpel_rt.plan.spec import Op, Value

from . import nets

FOLDER = Path(__file__).parent / "shapes"


@dataclass(frozen=True)
class Shape:
    """A layer: ``x`` (N, C, H, W) to ``y`` (M, OH, OW), or ``x`` (N, K) to ``y`` (M,); the rest is a convolution's."""

    name: str
    x: tuple
    y: tuple
    kernel: tuple = (1, 1)
    stride: tuple = (1, 1)
    pad: tuple = (0, 0)
    dilation: tuple = (1, 1)
    group: int = 1

    @property
    def kind(self):
        return "fc" if len(self.x) == 2 else "conv"

    @property
    def weights(self):
        """Shape of the weights."""
        return (self.y[0], self.x[1]) if self.kind == "fc" else (self.y[0], self.x[1] // self.group, *self.kernel)

    @property
    def multiply_adds(self):
        return self.x[0] * math.prod(self.weights) * math.prod(self.y[1:])

    @property
    def key(self):
        """All but the name: layers with the same take the same time."""
        return tuple(v for k, v in vars(self).items() if k != "name")

    def __str__(self):
        if self.kind == "fc":
            return f"{self.name} fc {_text(self.x)} -> {self.y[0]}"
        return (f"{self.name} conv {_text(self.x)} -> {_text(self.y)} kernel {_text(self.kernel)} stride "
                f"{_text(self.stride)} pad {_text(self.pad)} dilation {_text(self.dilation)} group {self.group}")

    def op(self, zeros=0.0, form="csr", width=8, seed=0):
        """An Op with random weights, of which the share ``zeros`` is zero: one by one ("csr") or in groups."""
        rng = np.random.default_rng(seed)
        w = rng.standard_normal(self.weights, np.float32) / np.float32(math.sqrt(math.prod(self.weights[1:])))
        if zeros:
            flat = w.reshape(self.group, len(w) // self.group, -1)
            for part in flat:
                part *= nets.mask(part.shape, zeros, form, width, rng)
        x, y = Value("x", self.x), Value("y", (self.x[0], *self.y))
        weights = {"w": w, "b": rng.standard_normal(len(w), np.float32)}
        if self.kind == "fc":
            return Op("fc", self.name, (x,), (y,), {"act": None}, weights)
        names = zip("kh kw sh sw ph pw dh dw".split(), (*self.kernel, *self.stride, *self.pad, *self.dilation),
                    strict=True)
        return Op("conv", self.name, (x,), (y,), {**dict(names), "group": self.group, "act": None}, weights)


def shapes_of(graph):
    """The Shapes of a graph's convolutions and fully connected layers, in order."""
    found = []
    for node in graph.nodes:
        layer, bottoms, tops = node.layer, [b.shape for b in node.bottoms], [t.shape for t in node.tops]
        if isinstance(layer, InnerProduct):
            n, k = bottoms[0][0], math.prod(bottoms[0][1:])
            found.append(Shape(node.name, (n, k), (tops[0][1],)))
        elif isinstance(layer, Convolution):
            w = layer.windows.over(layer, bottoms[0])
            found.append(Shape(node.name, bottoms[0], tops[0][1:], w.kernel, w.stride, w.pad, w.dilation, layer.group))
    return found


def made(name):
    """The text of a net's file, from its description."""
    graph = build(parse_prototxt(nets.text(name)))
    return "".join(f"{shape}\n" for shape in shapes_of(graph))


def read(name):
    """The Shapes of a file."""
    return [_parse(line) for line in (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()]


def _parse(line):
    name, kind, x, _, y, *rest = line.split()
    words = dict(zip(rest[::2], rest[1::2], strict=True))
    group = int(words.pop("group", 1))
    return Shape(name, _numbers(x), _numbers(y), **{word: _numbers(text) for word, text in words.items()}, group=group)


def _numbers(text):
    return tuple(int(part) for part in text.split(","))


def _text(numbers):
    return ",".join(map(str, numbers))


if __name__ == "__main__":
    for net in nets.NAMES:
        with atomic_write(FOLDER / f"{net}.txt", "w") as file:
            file.write(made(net))
