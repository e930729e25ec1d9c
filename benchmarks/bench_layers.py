"""Every layer of the real nets by the kernel that a plan takes for it, dense and with 90 % zeros, on one thread; the
other engines beside it, each on a net of that one layer.

The layers of the small nets, AlexNet's, and the longest of each of the others make the short set; the rest is marked
``long``. ``python -m benchmarks.ratios`` shows a saved run.
"""

import functools

import numpy as np
import pytest

from scalpel_rt import peers
from scalpel_rt.options import Options
from scalpel_rt.plan.build import compile_program
from scalpel_rt.plan.interpret import interpret
from scalpel_rt.plan.spec import Program

from . import nets
from .harness import MARK, close_to, engines, measure, rates, record
from .layer_shapes import read

pytestmark = MARK
SHORT = (*nets.OURS, "alexnet")
LONGEST = 2             # of each of the other nets are in the short set
FORMATS = {"dense": (0.0, "csr", "dense"), "csr": (0.9, "csr", "csr"), "group_in": (0.9, "group_in", "group"),
           "group_out": (0.9, "group_out", "group")}
ENGINES = tuple(name for name in peers.ENGINES if name != "deepsparse")     # those made for dense nets


def _cases():
    """[(net, Shape, whether it is short)]: each shape once."""
    seen, found = set(), []
    for net in nets.NAMES:
        shapes = read(net)
        longest = sorted(shapes, key=lambda s: -s.multiply_adds)[:LONGEST]
        for shape in shapes:
            if shape.key not in seen:
                seen.add(shape.key)
                found.append((net, shape, net in SHORT or shape in longest))
    return found


def _params():
    return [pytest.param(net, shape, who, id=f"{net}-{shape.name}-{who}", marks=() if short else pytest.mark.long)
            for net, shape, short in _cases() for who in (*FORMATS, *ENGINES)
            if shape.group == 1 or shape.weights[1] > 1 or who in ("dense", *ENGINES)]


class Ours:
    """A plan of one operation, from Python, into an array that is there."""

    def __init__(self, op, weights):
        options = Options(threads=1, weights=weights)
        self.plan = compile_program(Program((op,), op.inputs, op.outputs), options)
        self.row = self.plan.explain()[0]
        self.out = np.empty(op.outputs[0].shape, np.float32)

    def __call__(self, x):
        return self.plan.run(x, out=self.out)


@functools.lru_cache(2)
def _race(shape, disabled):
    """(Timings or None, {name: Ours}, names of the engines that ran) of one layer."""
    made, wanted = {}, {}
    x = np.random.default_rng(1).standard_normal(shape.x, np.float32)
    for name, (zeros, form, weights) in FORMATS.items():
        if zeros and shape.group > 1 and shape.weights[1] == 1:
            continue        # depthwise: nothing to skip
        op = shape.op(zeros, form)
        made[name] = Ours(op, weights)
        wanted[name] = close_to(interpret(Program((op,), op.inputs, op.outputs), [x])[0])
    others = engines(nets.one_layer(shape), 1, ENGINES, x, wanted["dense"])
    wanted |= dict.fromkeys(others, wanted["dense"])
    return (measure(disabled, made | others, x, check=lambda name, got: wanted[name](name, got), cores=1), made,
            others.keys())


@pytest.mark.parametrize("net, shape, who", _params())
def test_layer(benchmark, net, shape, who):
    benchmark.group = f"{net} {shape.name}"
    timings, made, ran = _race(shape, benchmark.disabled)
    if who in ENGINES and who not in ran:
        pytest.skip(f"{who} is not there, or cannot run this layer: see the warnings")
    if timings is None:
        return benchmark(lambda: None)
    info = {"net": net, "layer": shape.name, "shape": str(shape), "threads": 1, "who": who, "rival": who in ENGINES}
    if who in ENGINES:
        info |= {"sparsity": 0.0, "format": "dense", "isa": None,
                 **rates(timings[who].median, shape.multiply_adds, 4 * np.prod(shape.weights))}
    else:
        row = made[who].row
        info |= {"sparsity": FORMATS[who][0], "format": who, "isa": row.kernel.rpartition("__")[2],
                 "kernel": row.kernel,
                 **rates(timings[who].median, row.multiply_adds, row.weight_bytes + row.value_bytes)}
    record(benchmark, timings[who], **info)
