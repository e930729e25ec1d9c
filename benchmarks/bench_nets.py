"""Whole nets, batch 1: dense and with 90 % zeros in groups of 8, on one thread and on all; PyTorch beside them.

Other engines on the same nets: ``scalpel-rt compare``. AlexNet and the small nets make the short set.
"""

import functools

import numpy as np
import pytest

from scalpel_rt import isa
from scalpel_rt.options import Options
from scalpel_rt.profile.steps import footprint

from . import nets
from .harness import MARK, close_to, measure, rates, record, rival

pytestmark = MARK
SHORT = (*nets.OURS, "alexnet", "squeezenet")
WAYS = {"dense": {}, "group_in": {"zeros": 0.9, "form": "group_in"}, "group_out": {"zeros": 0.9, "form": "group_out"}}
THREADS = sorted({1, isa.usable_cores()})


class Ours:
    """A plan from Python, into an array that is there."""

    def __init__(self, net, threads):
        self.plan = net.compile(Options(threads=threads, weights="auto"))
        self.out = np.empty(self.plan.outputs[0].shape, np.float32)

    def __call__(self, x):
        return self.plan.run(x, out=self.out)


@functools.lru_cache(1)
def _race(name, threads, disabled):
    """(Timings or None, {way: Ours}) of one net."""
    made, wanted, x = {}, {}, None
    for way, how in WAYS.items():
        net = nets.make(name, **how)
        x = np.random.default_rng(1).random(net.graph.inputs[0].shape, np.float32) if x is None else x
        exact = Options(threads=threads, numerics="exact", weights="dense", tune=False)
        made[way], wanted[way] = Ours(net, threads), close_to(net.compile(exact).run(x))
        if way == "dense":
            dense = net
    candidates = dict(made)
    torch = rival("torch")
    if torch is not None:
        candidates["torch"], wanted["torch"] = torch.prepare(dense, threads), wanted["dense"]
    return measure(disabled, candidates, x, check=lambda who, got: wanted[who](who, got), cores=threads), made


@pytest.mark.parametrize("who", [*WAYS, "torch"])
@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("name", [pytest.param(name, marks=() if name in SHORT else pytest.mark.long)
                                  for name in nets.NAMES])
def test_net(benchmark, name, threads, who):
    benchmark.group = f"{name}, {threads} thread{'s' * (threads > 1)}"
    timings, made = _race(name, threads, benchmark.disabled)
    if who == "torch" and rival("torch") is None:
        pytest.skip("PyTorch is not installed")
    if timings is None:
        return benchmark(lambda: None)
    plan = made["dense" if who == "torch" else who].plan
    products = sum(row.multiply_adds for row in plan.explain())
    record(benchmark, timings[who], net=name, shape="x".join(map(str, plan.inputs[0].shape)),
           sparsity=WAYS.get(who, {}).get("zeros", 0.0), format=who if who != "torch" else "dense", isa=isa.active(),
           threads=threads, who=who, rival=who == "torch", **rates(timings[who].median, products, footprint(plan)))
