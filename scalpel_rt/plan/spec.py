"""The runtime's own language: a Program of a few kinds of operation over dense float32 tensors.

Some sixty layer types come down to the kinds below. Layers speak it through :class:`Builder`; passes rewrite a
:class:`Program`; `candidates` names the kernels that can do an :class:`Op`, `choose` picks one, `memory` places the
values. All values are float32, C-contiguous, and written once; an Op never reads what it writes.

========== ============================ =====================================================================
kind       inputs -> outputs            attrs (ints unless said) and weights
========== ============================ =====================================================================
conv       x(N,C,H,W) [add] -> y(N,M,   kh kw sh sw ph pw dh dw group; weights w(M,C/group,kh,kw) b(M)?;
           OH,OW)                       epilogue. ``add`` (shape of y), when given, is added before the activation.
                                        (OH-1)*sh + (kh-1)*dh + 1 <= H + 2*ph, and so for the width
deconv     x(N,C,H,W) -> y(N,M,OH,OW)   the same attrs; weights w(C,M/group,kh,kw) b(M)?; epilogue
fc         x(B,K) -> y(B,M)             weights w(M,K) b(M)?; epilogue
pool       x(N,C,H,W) -> y [, mask]     method (str: max, ave) kh kw sh sw ph pw; Caffe's divisor and limits; mask is
                                        the flat h*W+w of each maximum, as float
lrn        x(N,C,H,W) -> y              region (str: across, within) size, floats alpha beta k, as Caffe names them
softmax    x(O,C,I) -> y                over the middle axis
unary      x -> y, any shape            fn (str), floats p0 p1 p2: see UNARY
affine     x(O,C,I) -> y                weights scale(C)? shift(C)?; epilogue; y = x*scale + shift
eltwise    a, b -> y, same shapes       fn (str: sum, prod, max), floats ca cb (sum only: y = ca*a + cb*b);
                                        max is a > b ? a : b, so a NaN in a is lost and one in b stays; epilogue, whose
                                        channel is axis 1
broadcast  x(O,C,I), s(O',C) -> y       fn (str: mul, add); s_outer = 1 when s differs for each o, else 0
copy       x... -> y                    parts (a tuple of dicts): input (an index), dims, x_strides, y_strides (tuples
                                        of up to 6, in elements; x stride 0 repeats), x_offset, y_offset; each does
                                        y[y_offset + sum(i*y_strides)] = x[x_offset + sum(i*x_strides)]; together they
                                        write every element of y once. Builder.copy makes them
reduce     x(O,C,I) -> y(O,I)           fn (str: sum, asum, sumsq, max, argmax) over the middle axis; float coeff, a
                                        factor of the sums. Of equal numbers the last is the greatest, NaN before all
mvn        x(R,K) -> y                  variance (0 or 1), float eps: y = (x - mean) / (deviation + eps) of each row
norm       x(O,C,I) -> y                weights scale(C)?; guard (0 or 1), float eps; y = x*scale / sqrt(S), where S is
                                        eps + sum(x^2) along C, or with guard that sum where it is above eps, else 1
interp     x(P,H,W) -> y(P,OH,OW)       weights y_low y_high (OH; int32), y_part (OH), x_low x_high x_part (OW): a point
                                        lies between pixels low and high, the part of the way; bilinear
scatter    x(P,K), mask(P,K) -> y(P,S)  zeros but for y[p, mask[p, k]] = x[p, k], in the order of k; mask values that
                                        are no place (below 0, S and above, NaN) are left out
view       x -> y                       y is x's memory under another shape of the same count
fill       -> y                         weights value(shape of y): a constant
========== ============================ =====================================================================

An epilogue is the attr ``act``: None or a tuple (fn, p0, p1): ("relu", slope, 0), ("clip", lo, hi), or
("prelu",) with the weight ``slope(M)``.
"""

import math
from dataclasses import dataclass, field, replace

#: unary functions: name -> meaning of p0, p1, p2
UNARY = {
    "relu": "max(x,0) + p0*min(x,0)",
    "elu": "max(x,0) + p0*(exp(min(x,0)) - 1)",
    "sigmoid": "1/(1+exp(-x))",
    "tanh": "tanh(x)",
    "abs": "|x|",
    "bnll": "x > 0 ? x + log(1+exp(-x)) : log(1+exp(x))",
    "swish": "x*sigmoid(p0*x)",
    "clip": "max(p0, min(x, p1)); NaN -> p0",
    "threshold": "x > p0 ? 1 : 0",
    "power": "(p2 + p1*x)^p0, with Caffe's rule where p0*p1 == 0",
    "exp": "exp(p1 + p0*x)",
    "log": "p2*log(p1 + p0*x)",
    "mish": "x*tanh(log(1+exp(x)))",
    "hswish": "x*min(max(x+3,0),6)/6",
}

KINDS = ("conv", "deconv", "fc", "pool", "lrn", "softmax", "unary", "affine", "eltwise", "broadcast", "copy", "view",
         "fill", "reduce", "mvn", "norm", "interp", "scatter")

#: what a reduce step can do
REDUCE = ("sum", "asum", "sumsq", "max", "argmax")

MAX_COPY_DIMS = 6


@dataclass(eq=False)
class Value:
    """A tensor of a program; ``name`` is for people (the blob's, or a made one)."""

    name: str
    shape: tuple

    @property
    def size(self):
        """Count of elements."""
        return math.prod(self.shape)

    def __repr__(self):
        return f"%{self.name}{self.shape}"


@dataclass(eq=False)
class Op:
    """One operation. ``name`` holds the names of the layers it stands for, joined by "+"."""

    kind: str
    name: str
    inputs: tuple
    outputs: tuple
    attrs: dict = field(default_factory=dict)
    weights: dict = field(default_factory=dict)

    def with_(self, **changes):
        """A copy with fields replaced."""
        return replace(self, **changes)


@dataclass(eq=False)
class Program:
    """Operations in order of execution. ``outputs`` are the values that must survive the run."""

    ops: tuple
    inputs: tuple
    outputs: tuple


class Builder:
    """What a layer's ``lower`` writes to."""

    def __init__(self):
        self.ops = []
        self._layer = ""
        self._made = 0

    def layer(self, name):
        """All that follows belongs to this layer."""
        self._layer = name

    def temp(self, shape):
        """A value that only this layer sees."""
        self._made += 1
        return Value(f"{self._layer}.{self._made}", tuple(int(d) for d in shape))

    def op(self, kind, inputs, outputs, weights=None, **attrs):
        """Append an operation; weights that are None are left out."""
        if kind not in KINDS:
            raise ValueError(f"no such kind of operation: {kind}")
        weights = {k: v for k, v in (weights or {}).items() if v is not None}
        self.ops.append(Op(kind, self._layer, tuple(inputs), tuple(outputs), attrs, weights))

    def reshaped(self, value, shape):
        """``value`` under another shape, as a view (the value itself when the shape is the same)."""
        if tuple(shape) == value.shape:
            return value
        out = self.temp(shape)
        self.op("view", [value], [out])
        return out

    def copy(self, inputs, output, parts):
        """Append a copy of the ``inputs`` (values) into ``output``; True, or False when a part needs over six dims.

        Each part is a dict of ``shape``, ``x_strides``, ``y_strides`` (equally long, in elements) and, where they are
        not 0, ``input``, ``x_offset``, ``y_offset``. Neighbouring dims that run on as one are merged here.
        """
        made = []
        for part in parts:
            dims, xs, ys = _merged(part["shape"], part["x_strides"], part["y_strides"])
            if len(dims) > MAX_COPY_DIMS:
                return False
            made.append({"input": part.get("input", 0), "dims": dims, "x_strides": xs, "y_strides": ys,
                         "x_offset": part.get("x_offset", 0), "y_offset": part.get("y_offset", 0)})
        self.op("copy", inputs, [output], parts=tuple(made))
        return True

    def into(self, value, shape):
        """A temp of ``shape`` to be written, and a function to call afterwards that views it as ``value``."""
        if tuple(shape) == value.shape:
            return value, lambda: None
        tmp = self.temp(shape)
        return tmp, lambda: self.op("view", [tmp], [value])


def _merged(shape, x_strides, y_strides):
    """The same loop nest with dims of size 1 left out and neighbours joined where both sides run on: three tuples."""
    if 0 in shape:                                      # nothing, though perhaps in long loops around it
        return (0,), (1,), (1,)
    loops = []
    for d, x, y in zip(shape, x_strides, y_strides, strict=True):
        if d == 1:
            continue
        if loops and loops[-1][1:] == (d * x, d * y):
            d *= loops.pop()[0]
        loops.append((int(d), int(x), int(y)))
    dims, xs, ys = zip(*loops or [(1, 1, 1)], strict=True)
    return dims, xs, ys
