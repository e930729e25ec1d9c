"""Scalpel: measured or told what the machine is, it decides for each layer, prunes, retrains, writes."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (the extra `train`): Scalpel is not tested")

import scalpel_rt as srt  # noqa: E402
from scalpel_rt.datasets import Dataset  # noqa: E402
from scalpel_rt.errors import OptionsError  # noqa: E402
from scalpel_rt.net import Net  # noqa: E402
from scalpel_rt.pruning.pays import Pay, pays  # noqa: E402
from scalpel_rt.pruning.scalpel import RATES, decide  # noqa: E402
from scalpel_rt.train.loop import fit  # noqa: E402
from scalpel_rt.train.recipe import Recipe  # noqa: E402
from scalpel_rt.train.to_torch import TorchNet, from_torch  # noqa: E402

from ..graph.nets import graph, input_layer  # noqa: E402
from .judge import randomize  # noqa: E402
from .nets import conv, fc, some  # noqa: E402

NET = (input_layer("x", 1, 2, 4, 4) + conv("c", "x", 12) + some("ReLU", "c", "r") + fc("f", "r", 40)
       + some("ReLU", "f", "s") + fc("z", "s", 3))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SCALPEL_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 200)
    return Dataset((rng.standard_normal((200, 2, 4, 4)) + 2 * labels[:, None, None, None]).astype(np.float32), labels)


@pytest.fixture(scope="module")
def net(data):
    whole = randomize(graph(NET))
    for node in whole.nodes:
        for param in node.params:
            param.array = param.array * np.float32(0.2)
    module = TorchNet(whole)
    fit(module, data, Recipe(epochs=15, batch=25, lr=0.02, schedule="cosine"))
    return Net(from_torch(whole, module))


class TestPays:
    def test_crossover_and_times_between(self):
        pay = Pay("f", "fc", 10.0, {"csr": {0.5: 30.0, 0.9: 6.0}, "in": {0.5: 9.0, 0.9: 2.0},
                                    "out": {0.5: 20.0, 0.9: 11.0}}, {0.5: 4.0})
        assert pay.crossover("csr") == pytest.approx(0.5 + 0.4 * 20 / 24)
        assert pay.crossover("in") == 0.5 and pay.crossover("out") is None
        assert pay.time("csr", 0.7) == pytest.approx(18) and pay.time("nodes", 0.25) == pytest.approx(7)

    def test_measures_every_layer(self):
        text = (input_layer("x", 1, 8, 6, 6) + conv("a", "x", 16) + conv("b", "a", 16, "group: 16")
                + conv("g", "b", 8, "group: 2") + fc("f", "g", 600) + fc("z", "f", 10, "transpose: true"))
        found = pays(randomize(graph(text)), width=8)
        assert list(found) == ["a", "b", "g", "f", "z"]
        assert {name: pay.kind for name, pay in found.items()} == {
            "a": "conv", "b": "conv", "g": "conv", "f": "fc", "z": "fc"}
        for pay in found.values():
            assert pay.dense > 0 and set(pay.sparse) == {"csr", "in", "out"}
            assert all(ns > 0 for times in (*pay.sparse.values(), pay.nodes) for ns in times.values())
        assert found["f"].sparse["in"][0.95] < found["f"].sparse["in"][0.3]


    def test_what_only_python_runs_is_left_out(self):
        text = input_layer("x", 1, 4, 5, 6, 7) + conv("c", "x", 8) + fc("f", "c", 6)
        assert list(pays(randomize(graph(text)))) == ["f"]


class TestDecide:
    @pytest.mark.parametrize("machine, want", [
        ("low", ["groups", "groups", "groups"]), ("moderate", ["nodes", "groups", "groups"]),
        ("high", ["nodes", "nodes", "none"])])
    def test_by_parallelism(self, net, machine, want):
        decisions, axis, found = decide(net.graph, machine)
        assert [d.layer for d in decisions] == ["c", "f", "z"] and [d.technique for d in decisions] == want
        assert axis == "in" and not found

    @pytest.mark.parametrize("groups, want", [(110, "nodes"), (90, "both"), (50, "groups")])
    def test_by_measuring(self, net, monkeypatch, groups, want):
        times = {"c": ("conv", 100, groups, 60), "f": ("fc", 100, 20, 60), "z": ("fc", 100, 101, 10)}

        def measured(graph, **options):
            return {name: Pay(name, kind, dense, dict.fromkeys(("csr", "out"), {0.5: 1e3}) | {"in": {0.5: groups}},
                              {0.5: nodes}) for name, (kind, dense, groups, nodes) in times.items()}

        monkeypatch.setattr("scalpel_rt.pruning.scalpel.pays", measured)
        decisions, axis, _ = decide(net.graph, rates={kind: {"groups": 0.5, "nodes": 0.5} for kind in RATES})
        assert axis == "in" and [d.technique for d in decisions] == [want, "groups", "none"]
        assert "cannot be removed" in decisions[2].why

    def test_an_axis_that_is_asked_for(self, net):
        assert decide(net.graph, "low", axis="out")[1] == "out" and decide(net.graph, "low")[1] == "in"
        assert {decide(net.graph, axis=axis)[1] for axis in ("in", "out")} == {"in", "out"}
        with pytest.raises(OptionsError, match="axis must be one of in, out, not 'up'"):
            decide(net.graph, axis="up")

    def test_an_lrn_across_channels_holds_nodes_unless_told_otherwise(self):
        text = (input_layer("x", 1, 2, 6, 6) + conv("c", "x", 8) + some("LRN", "c", "n") + conv("d", "n", 4)
                + fc("z", "d", 3))
        lrn = randomize(graph(text))
        first = decide(lrn, "high")[0][0]
        assert first.technique == "none" and "LRN across channels" in first.why
        assert decide(lrn, "high", approximate=True)[0][0].technique == "nodes"

    def test_a_machine_that_is_none(self, net):
        with pytest.raises(OptionsError, match="native, low, moderate, high, not 'quantum'"):
            decide(net.graph, "quantum")


OPTIONS = dict(recipe=Recipe(epochs=2, batch=25, lr=0.02, schedule="cosine"), learn=Recipe(epochs=2, batch=25, lr=0.01),
               penalties=(0.002, 0.02), sparsities=(0.6, 0.8))


class TestScalpel:
    def test_prunes_and_writes(self, net, data, tmp_path):
        before = [view.data.copy() for views in net.params.values() for view in views]
        outcome = srt.scalpel(net, data, "moderate", test=data, budget=20, width=8, **OPTIONS)
        assert [row["method"] for row in outcome.log] == ["nodes"] * 2 + ["simd"] * 2
        c, f = (outcome.net.params[name][0].data for name in "cf")
        assert len(c) < 12 and len(f) == 40
        assert np.count_nonzero(f == 0) > 0.7 * f.size and c.all()
        assert outcome.accuracy >= outcome.dense_accuracy - 20
        for view, array in zip((v for views in net.params.values() for v in views), before, strict=True):
            assert (view.data == array).all()

        outcome.save(tmp_path / "out")
        x = np.random.default_rng(0).random((1, 2, 4, 4))
        for names in (["net.prototxt", "net.caffemodel"], ["net.safetensors"]):
            again = srt.load(*(tmp_path / "out" / name for name in names))
            assert np.allclose(again.forward(x=x)["z"], outcome.net.forward(x=x)["z"])
        log = json.loads((tmp_path / "out" / "log.json").read_text())
        assert log["accuracy"] == outcome.accuracy and log["pruned"]["bytes"] < log["dense"]["bytes"]
        report = (tmp_path / "out" / "report.md").read_text()
        for words in ("pruned by Scalpel", "| c | conv | nodes | parallelism moderate |", "penalty 0.02",
                      "sparsity 0.8", "group in 8", f"{outcome.accuracy:.2f} % on the test data"):
            assert words in report

    def test_this_machine(self, net, data):
        outcome = srt.scalpel(net, (data.images, data.labels), test=(data.images, data.labels), budget=50, **OPTIONS)
        assert set(outcome.pays) == {"c", "f", "z"} and outcome.machine["isa"]
        assert outcome.sizes[1][1].bytes < outcome.sizes[0][1].bytes

    def test_nodes_behind_an_lrn(self, data):
        text = (input_layer("x", 1, 2, 4, 4) + conv("c", "x", 8) + some("LRN", "c", "n") + conv("d", "n", 4)
                + fc("z", "d", 3))
        outcome = srt.scalpel(Net(randomize(graph(text))), data, "moderate", test=data, budget=100, width=4,
                              approximate=True, **{**OPTIONS, "penalties": (1.0,), "sparsities": (0.5,)})
        assert len(outcome.net.params["c"][0].data) < 8

    def test_nothing_pays(self, net, data, monkeypatch):
        monkeypatch.setattr("scalpel_rt.pruning.scalpel.pays", lambda graph, **_: {
            name: Pay(name, "fc", 1.0, dict.fromkeys(("csr", "in", "out"), {0.5: 9.0}), {0.5: 9.0}) for name in "cfz"})
        outcome = srt.scalpel(net, data, test=data, **OPTIONS)
        assert outcome.log == [] and outcome.accuracy == outcome.dense_accuracy

    def test_a_killed_run_decides_as_before(self, net, data, tmp_path):
        class Killed(Exception):
            pass

        def kill(row):
            if row.get("stage") == 2:
                raise Killed

        with pytest.raises(Killed):
            srt.scalpel(net, data, test=data, budget=50, folder=tmp_path / "run", progress=kill, **OPTIONS)
        measured = []
        outcome = srt.scalpel(net, data, test=data, budget=50, folder=tmp_path / "run", progress=measured.append,
                              **OPTIONS)
        assert not any("measuring" in row for row in measured) and min(row["stage"] for row in measured) == 2
        kept = json.loads((tmp_path / "run" / "decisions.json").read_text())
        assert [vars(d) for d in outcome.decisions] == kept["decisions"]
        with pytest.raises(OptionsError, match="holds a run with machine 'native' instead of 'low'"):
            srt.scalpel(net, data, "low", test=data, folder=tmp_path / "run", **OPTIONS)
        older = {name: part for name, part in kept.items() if name not in ("rates", "approximate")}
        (tmp_path / "run" / "decisions.json").write_text(json.dumps(older))
        again = srt.scalpel(net, data, test=data, budget=50, folder=tmp_path / "run", **OPTIONS)
        assert again.accuracy == outcome.accuracy and again.decisions == outcome.decisions
        rates = {kind: {"groups": 0.5, "nodes": 0.5} for kind in RATES}
        with pytest.raises(OptionsError, match="holds a run with rates .* instead of "):
            srt.scalpel(net, data, test=data, folder=tmp_path / "run", rates=rates, **OPTIONS)

    def test_a_grouped_convolution_may_be_split_on_the_way(self, data):
        text = (input_layer("x", 1, 2, 4, 4) + conv("a", "x", 8) + some("ReLU", "a", "r")
                + conv("b", "r", 8, "group: 2") + fc("z", "b", 3))
        outcome = srt.scalpel(Net(randomize(graph(text))), data, "moderate", test=data, budget=100, width=4,
                              recipe=Recipe(epochs=1, batch=25, lr=1e-4), learn=Recipe(epochs=2, batch=25, lr=1e-4),
                              penalties=(1.0, 1.0), sparsities=(0.5,))
        assert outcome.net.outputs == ["z"]

    def test_test_data_are_needed(self, net, data):
        with pytest.raises(OptionsError, match="test data"):
            srt.scalpel(net, data)
