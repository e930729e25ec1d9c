"""What is slow shows as slow, what is wrong is not timed, and ratios agree with a stopwatch."""

import os
import time

import numpy as np
import pytest

import scalpel_rt as srt
from scalpel_rt import isa
from scalpel_rt.comparing import methods
from scalpel_rt.comparing.measure import Clock, LayerWatch, difference, measure, times
from scalpel_rt.comparing.methods import Way, reshaped, ways
from scalpel_rt.comparing.work import Workload, packed_bytes
from scalpel_rt.errors import OptionsError
from scalpel_rt.net import Net

from ..graph import nets

NET = nets.input_layer("data", 1, 8, 24, 24) + """
layer { name: "c1" type: "Convolution" bottom: "data" top: "c1"
        convolution_param { num_output: 32 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "r1" type: "ReLU" bottom: "c1" top: "c1" }
layer { name: "p1" type: "Pooling" bottom: "c1" top: "p1" pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "ip1" type: "InnerProduct" bottom: "p1" top: "ip1"
        inner_product_param { num_output: 64 weight_filler { type: "xavier" } } }
layer { name: "r2" type: "ReLU" bottom: "ip1" top: "ip1" }
layer { name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2"
        inner_product_param { num_output: 10 weight_filler { type: "xavier" } } }
layer { name: "prob" type: "Softmax" bottom: "ip2" top: "prob" }
"""


@pytest.fixture
def net():
    return Net(nets.graph(NET))


@pytest.fixture
def x():
    return np.random.default_rng(0).standard_normal((1, 8, 24, 24), np.float32)


def run(found, net, x, seconds=0.3, threads=1, tell=lambda text, share: None):
    return measure(found, net.graph, [x], threads=threads, options=srt.Options(), seconds=seconds, accuracies={},
                   tell=tell)


class Slow(Way):
    """Our dense net, and a sleep behind it."""

    SECONDS = 3e-3

    def prepare(self, threads, options):
        inner = super().prepare(threads, options)

        def call(x):
            y = inner(x)
            time.sleep(self.SECONDS)
            return y

        return call


class Wrong(Way):
    """Our dense net, one output of which is off by a hundredth of the greatest."""

    calls = 0

    def prepare(self, threads, options):
        inner = super().prepare(threads, options)

        def call(x):
            Wrong.calls += 1
            y = inner(x)
            y[0, 0] += 0.01 * y.max()
            return y

        return call


def test_a_slow_way_shows_as_slow(net, x):
    entries, refused, skipped = run([Way("dense", None, net, "dense"), Slow("slow", None, net, "dense")], net, x)
    dense, slow = entries
    assert not refused and not skipped and slow.times.median > dense.times.median
    assert slow.times.low - dense.times.low > Slow.SECONDS
    assert dense.error < 1e-5 and dense.layers and not slow.layers


def test_a_slow_kernel_shows_as_slow(net, x):
    """The scalar kernels in place of the vector ones, in the right layer."""
    if isa.active() == "scalar":
        pytest.skip("only scalar kernels run here")

    class Scalar(Way):
        def prepare(self, threads, options):
            return super().prepare(threads, srt.Options(isa="scalar"))

    entries, _, _ = run([Way("dense", None, net, "dense"), Scalar("scalar", None, net, "dense")], net, x, seconds=0.6)
    fast, slow = ({layer.name: layer for layer in e.layers} for e in entries)
    assert slow["c1+r1"].kernel.endswith("__scalar") and not fast["c1+r1"].kernel.endswith("__scalar")
    assert slow["c1+r1"].times.low > 1.5 * fast["c1+r1"].times.low
    assert entries[1].times.low > entries[0].times.low


def test_a_wrong_output_refuses_to_time(net, x):
    Wrong.calls = 0
    entries, [refused], _ = run([Wrong("wrong", None, net, "dense"), Way("dense", None, net, "dense")], net, x)
    assert [e.method for e in entries] == ["dense"] and Wrong.calls == 1
    assert refused.what == "wrong, 1 thread, batch 1" and "wrong by 0.0" in refused.why


def test_a_pruned_net_is_held_against_itself(net, x):
    """Not against the net that it was: a way that runs the dense net in place of the pruned one is wrong."""
    [_, csr] = ways(net, ["dense", "csr"], [0.9])

    class Unpruned(Way):
        def prepare(self, threads, options):
            return methods.Ours(net.compile())

    entries, [refused], _ = run([csr, Unpruned("cheat", 0.9, csr.net, "dense")], net, x)
    assert [e.method for e in entries] == ["csr"] and refused.what.startswith("cheat at 90 %")


def test_what_cannot_run_is_skipped(net, x):
    class Broken(Way):
        ours = False

        def prepare(self, threads, options):
            raise RuntimeError("no such thing\nand more")

    entries, refused, [skipped] = run([Broken("b", None, net, "torch")], net, x)
    assert not entries and not refused and skipped.why == "RuntimeError: no such thing"


class Watched(Way):
    """Any of ours, with a stopwatch of its own around every call."""

    def prepare(self, threads, options):
        inner = super().prepare(threads, options)
        self.taken.clear()

        def call(x):
            start = time.monotonic()
            y = inner(x)
            self.taken.append(time.monotonic() - start)
            return y

        call.layers = inner.layers
        return call


def test_ratios_agree_with_a_stopwatch():
    """What is reported is a median of means of several calls, so it takes a machine that is not busy elsewhere."""
    net = Net(nets.graph(nets.input_layer("data", 1, 64, 96, 96) + """
    layer { name: "c" type: "Convolution" bottom: "data" top: "c"
            convolution_param { num_output: 64 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }"""))
    x = np.random.default_rng(0).standard_normal((1, 64, 96, 96), np.float32)
    watched = [Watched(way.method, way.sparsity, way.net, way.runner) for way in ways(net, ["dense", "simd"], [0.95])]
    for way in watched:
        object.__setattr__(way, "taken", [])
    for _ in range(10):                     # a wrong ratio would be wrong each time
        entries, _, _ = run(watched, net, x, seconds=0.5)
        ratio = entries[0].times.median / entries[1].times.median
        by_hand = np.median(watched[0].taken) / np.median(watched[1].taken)
        # the layers' times are those of the net, but for reading clocks
        of_layers = sum(layer.times.median for layer in entries[0].layers) / entries[0].times.median
        if ratio > 1.5 and ratio / by_hand == pytest.approx(1, rel=0.3) and of_layers == pytest.approx(1, rel=0.3):
            break
    else:
        if os.getloadavg()[0] > 1.2 * isa.usable_cores():
            pytest.skip(f"the machine is busy with other work (load {os.getloadavg()[0]:.1f}): times mean nothing")
    assert ratio > 1.5 and ratio == pytest.approx(by_hand, rel=0.3) and of_layers == pytest.approx(1, rel=0.3)


@pytest.mark.parametrize("got, error", [
    (np.array([1.0, 2.0]), 0), (np.array([1.0, 2.2]), 0.1), (np.array([[1.0], [2.0]]), 0), (np.array([1.0]), np.inf),
    (np.array([1.0, np.nan]), np.inf), ((np.array([1.0, 2.0]),), 0)])
def test_difference(got, error):
    assert difference(got, (np.array([1.0, 2.0], np.float32),)) == pytest.approx(error)


def test_difference_with_infinities():
    want = (np.array([np.inf, 4.0]),)
    assert difference(np.array([np.inf, 4.0]), want) == 0 and difference(np.array([4.0, 4.0]), want) == np.inf


def test_times():
    assert times([1.0, 2.0, 3.0, 4.0, 5.0]) == methods_times(3.0, 2.0, 4.0, 5)


def methods_times(*numbers):
    from scalpel_rt.report.results import Times

    return Times(*numbers)


def test_layer_watch_times_itself():
    class Fake:
        def layers(self, x):
            return {"a": 1e-3, "b": 2e-3}

    watch = LayerWatch(Fake())
    for _ in range(6):
        watch(None)
    assert watch.seconds == 3e-3 and watch.times()["b"].median == 2e-3 and watch.times()["a"].runs == 3


def test_ways(net):
    found = ways(net, ["dense", "csr", "scipy-csr", "simd", "nodes"], [0.5, 0.9])
    assert [(w.method, w.sparsity) for w in found][:4] == [("dense", None), ("csr", 0.5), ("csr", 0.9),
                                                           ("scipy-csr", 0.5)]
    assert found[1].net is found[3].net and found[0].net is net     # pruned once
    csr, nodes = found[2], found[-1]
    assert np.mean(csr.net.params["ip1"][0].data == 0) >= 0.9
    # nodes: about so many weights go between two layers that both lose some
    assert 1 - nodes.net.params["ip1"][0].data.size / net.params["ip1"][0].data.size == pytest.approx(0.9, abs=0.03)
    simd = found[6].net.params["ip1"][0].data
    groups = simd.reshape(len(simd), -1, 4)
    assert ((groups == 0).all(2) | (groups != 0).any(2)).all()
    again = reshaped(found, {"data": (3, 8, 24, 24)})
    assert again[1].net is again[3].net and again[1].net.graph.inputs[0].shape[0] == 3
    assert net.graph.inputs[0].shape[0] == 1


def test_bytes_count_indices(net):
    dense, csr, library = ways(net, ["dense", "csr", "scipy-csr"], [0.9])
    sizes = [w.bytes() for w in (dense, csr, library)]
    weights = [p[0].data for p in csr.net.params.values()]
    biases = 4 * sum(len(w) for w in weights)
    left = sum(np.count_nonzero(w) for w in weights)
    assert sizes[0] == 4 * sum(w.size for w in weights) + biases
    assert sizes[2] == 8 * left + 4 * sum(len(w) + 1 for w in weights) + biases
    assert 5 * left < sizes[1] < sizes[2]


def test_wrong_names_and_numbers(net):
    with pytest.raises(OptionsError, match="no method 'magic'; there are dense, csr"):
        ways(net, ["magic"], [0.5])
    for sparsity in (0, 1, -0.1, 1.5):
        with pytest.raises(OptionsError, match="a sparsity is a number above 0 and below 1"):
            ways(net, ["csr"], [sparsity])


def test_work(net):
    _, csr = ways(net, ["dense", "csr"], [0.75])
    load = Workload(csr.net.graph, net.graph)
    weights = 32 * 72 + 64 * 32 * 121 + 640
    assert load.weights == weights and load.zeros == pytest.approx(0.75, abs=1e-3)
    assert load.multiply_adds == pytest.approx(0.25 * (32 * 72 * 484 + 64 * 32 * 121 + 640), rel=1e-3)
    conv = load.of("c1+r1", "csr", packed=5000)
    assert conv.weights == 32 * 72 and conv.bytes == 5000
    assert conv.traffic == 5000 + 4 * (8 * 24 * 24 + 32 * 22 * 22)
    assert load.of("ip2", "scipy_csr").bytes == 8 * 160 + 4 * 11 and load.of("ip2", "torch").bytes == 4 * 640
    assert load.of("p1", "csr").weights == 0 and load.kind("c1+r1") == "conv" and load.kind("p1") == "pooling"
    plan = csr.prepare(1, srt.Options()).plan
    step = next(s for s in plan.steps.steps if s.name.startswith("ip1"))
    assert packed_bytes(step) >= 4 * np.count_nonzero(csr.net.params["ip1"][0].data)


def test_a_name_with_a_plus():
    text = nets.LENET.replace('"conv1"', '"a+b"').replace('"pool1"', '"c"')
    graph = nets.graph(text)
    assert Workload(graph, graph).of("a+b+c", "dense", 0).weights == 36


def test_clock_says_what_is_left(monkeypatch):
    now, seen = [0.0], []
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    clock = Clock(seen.append, [2.0, 6.0])
    clock.tell("begin")
    now[0] = 4.0
    clock.next()
    clock.tell("half", 1 / 3)
    assert seen[0] == {"doing": "begin", "share": 0, "left": None}
    assert seen[1] == {"doing": "half", "share": 0.5, "left": pytest.approx(4.0)}


@pytest.mark.parametrize("technique", ["nodes", "groups", "both", "none"])
def test_scalpel_takes_what_was_asked_for(net, monkeypatch, technique):
    from scalpel_rt.pruning.scalpel import Decision

    monkeypatch.setattr(methods, "decide", lambda graph, *args, **more: (
        [Decision("ip1", "fc", technique, "so"), Decision("c1", "conv", technique, "so")], "in", {}))
    graph = methods.by_scalpel(net.graph, 0.75, 4, {})
    zeros = Workload(graph, net.graph).zeros
    assert zeros == pytest.approx({"none": 0, "groups": 0.75}.get(technique, 0.75), abs=0.05)
    assert graph.nodes[0].name == "data" and (technique != "none" or graph is net.graph)


def test_scalpel_measures_once(net, monkeypatch):
    seen, told = [], []

    def decide(graph, *args, found, progress, **more):
        seen.append(dict(found))
        progress("c1")
        return [], "in", {"c1": "measured"}

    monkeypatch.setattr(methods, "decide", decide)
    ways(net, ["scalpel"], [0.5, 0.7, 0.9], tell=told.append)
    assert seen == [{}, {"c1": "measured"}, {"c1": "measured"}] and "measuring what pruning c1 would buy" in told
