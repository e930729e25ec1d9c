"""Whole nets: dense and with 90 % zeros in groups of 8, on one thread and on all, one image and sixteen; the other
engines beside them, all dense but for DeepSparse, which is given the zeros.

AlexNet and the small nets, one image, make the short set. ``python -m benchmarks.ratios`` shows a saved run.
"""

import functools

import numpy as np
import pytest

from scalpel_rt import isa, peers
from scalpel_rt.options import Options
from scalpel_rt.profile.steps import footprint

from . import nets
from .harness import MARK, close_to, engines, measure, rates, record

pytestmark = MARK
SHORT = (*nets.OURS, "alexnet", "squeezenet")
WAYS = {"dense": {}, "group_in": {"zeros": 0.9, "form": "group_in"}, "group_out": {"zeros": 0.9, "form": "group_out"}}
ENGINES = {name: "group_in" if name == "deepsparse" else "dense" for name in peers.ENGINES}    # what each is given
THREADS = sorted({1, isa.usable_cores()})
BATCHES = (1, 16)


class Ours:
    """A plan from Python, into an array that is there."""

    def __init__(self, net, threads):
        self.plan = net.compile(Options(threads=threads, weights="auto"))
        self.out = np.empty(self.plan.outputs[0].shape, np.float32)

    def __call__(self, x):
        return self.plan.run(x, out=self.out)


@functools.lru_cache(1)
def _race(name, batch, threads, disabled):
    """(Timings or None, {way: Ours}, names of the engines that ran) of one net."""
    candidates, wanted, x = {}, {}, None
    for way, how in WAYS.items():
        net = nets.make(name, **how)
        shape = (batch, *net.graph.inputs[0].shape[1:])
        net.reshape({net.inputs[0]: shape})
        x = np.random.default_rng(1).random(shape, np.float32) if x is None else x
        exact = Options(threads=threads, numerics="exact", weights="dense", tune=False)
        candidates[way], wanted[way] = Ours(net, threads), close_to(net.compile(exact).run(x))
        given = [engine for engine, wants in ENGINES.items() if wants == way]
        for engine, run in engines(net, threads, given, x, wanted[way]).items():
            candidates[engine], wanted[engine] = run, wanted[way]
    return (measure(disabled, candidates, x, check=lambda who, got: wanted[who](who, got), cores=threads),
            {way: candidates[way] for way in WAYS}, candidates.keys() - WAYS.keys())


def _params():
    for name in nets.NAMES:
        for batch in BATCHES:
            short = name in SHORT and batch == 1
            yield pytest.param(name, batch, marks=() if short else pytest.mark.long)


@pytest.mark.parametrize("who", [*WAYS, *ENGINES])
@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("name, batch", list(_params()))
def test_net(benchmark, name, batch, threads, who):
    benchmark.group = f"{name}, batch {batch}, {threads} thread{'s' * (threads > 1)}"
    timings, made, ran = _race(name, batch, threads, benchmark.disabled)
    if who in ENGINES and who not in ran:
        pytest.skip(f"{who} is not there, or cannot run this net: see the warnings")
    if timings is None:
        return benchmark(lambda: None)
    way = ENGINES.get(who, who)
    plan = made[way].plan
    products = sum(row.multiply_adds for row in plan.explain())
    record(benchmark, timings[who], net=name, shape="x".join(map(str, plan.inputs[0].shape)),
           sparsity=WAYS[way].get("zeros", 0.0), format=way, isa=isa.active(), threads=threads, who=who,
           rival=who in ENGINES, **rates(timings[who].median, products, footprint(plan)))
