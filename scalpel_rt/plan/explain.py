"""The rows of ``plan.explain()``: which kernel does a step and why, and what it has to do, whatever time it takes."""

import math
from collections import namedtuple

import numpy as np

from .forms._sparse import kept


class Row(namedtuple("Row", "layers kind shape kernel threads ns costs measured rejected multiply_adds weight_bytes "
                            "value_bytes turns", defaults=(1,))):
    """A step of a plan.

    ``layers``: their names, joined by "+"; ``kind`` of operation; ``shape`` of its output; ``kernel``: symbol of the
    one that was chosen; ``threads``; ``ns``: what it should take on one thread; ``costs``: {symbol: ns} of the kernels
    that were compared, estimated or ``measured``; ``rejected``: {symbol: why} of all others; ``multiply_adds``,
    ``weight_bytes`` (packed, indices among them) and ``value_bytes`` (read and written, each value once); ``turns``:
    how often it is done in a run, each time for a few of the images (see scalpel_rt.plan.turns), while all else is of
    the whole run.
    """

    __slots__ = ()

    def size(self, times="x"):
        """The shape, for people."""
        return times.join(map(str, self.shape)) + (f" in {self.turns} turns" if self.turns > 1 else "")

    def repeated(self, turns, images, side_by_side):
        """The Row of the same step done so many times, on ``images`` in all, some of the times side by side."""
        return self._replace(threads=max(self.threads, side_by_side), shape=(images, *self.shape[1:]),
                             ns=self.ns * turns, costs={symbol: ns * turns for symbol, ns in self.costs.items()},
                             turns=turns,
                             multiply_adds=self.multiply_adds * turns, value_bytes=self.value_bytes * turns)


PYTHON = "python"       # in place of a kernel, for a layer that only Python can run


def row(choice, step):
    """The Row of a step that was bound from a choice."""
    return Row(choice.op.name, choice.op.kind, choice.op.outputs[0].shape, choice.kernel.symbol, step.threads,
               choice.ns, choice.costs, choice.measured, choice.rejected, multiply_adds(choice),
               weight_bytes(step.args), value_bytes(choice.op))


def python_row(node, bottoms, tops):
    """The Row of a layer that only Python can run, on arrays of these shapes; nobody knows what it should take."""
    shapes = [[array.shape for array in arrays] for arrays in (bottoms, tops)]
    products = node.layer.multiply_adds(*shapes, [param.shape for param in node.params])
    return Row(node.name, node.type, shapes[1][0] if tops else (), PYTHON, 1, math.nan, {}, False, {}, int(products),
               sum(param.array.nbytes for param in node.params), sum(array.nbytes for array in (*bottoms, *tops)))


def multiply_adds(choice):
    """Products of weights that the chosen kernel has, the whole batch; 0 for kinds without a matrix.

    Counted as direct convolution would make them, also where a kernel gets by with fewer (Winograd) or makes some that
    padding leaves at zero. A sparse form has the weights that it keeps, zeros inside its groups among them.
    """
    op, form = choice.op, choice.form
    if op.kind not in ("conv", "deconv", "fc"):
        return 0
    weights = op.weights["w"].size
    if form.weights != "dense":
        weights = kept(op, form.axis, choice.kernel.group)
    return weights * _uses(op)


def _uses(op):
    """How often each weight is used: for each image, for each pixel that its window is put on."""
    shape = (op.outputs if op.kind == "conv" else op.inputs)[0].shape
    return shape[0] if op.kind == "fc" else shape[0] * shape[2] * shape[3]


def weight_bytes(args):
    """Bytes of packed weights, indices, biases and tables among a kernel's arguments."""
    return sum(value.nbytes for value in args.values() if isinstance(value, np.ndarray))


def value_bytes(op):
    """Bytes of the values that an operation reads and writes, each counted once."""
    if op.kind == "copy":       # one part of it: see memory.split_copies
        return 8 * int(np.prod(op.attrs["parts"][0]["dims"], dtype=np.int64))
    return 4 * sum(v.size for v in (*op.inputs, *op.outputs))
