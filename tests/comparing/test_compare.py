"""The whole of a comparison on a small net."""

import numpy as np
import pytest

import scalpel_rt as srt
from scalpel_rt import zoo
from scalpel_rt.comparing import compare
from scalpel_rt.comparing.nets import named, random_weights
from scalpel_rt.comparing.run import accuracy
from scalpel_rt.datasets import Dataset
from scalpel_rt.errors import DataError, OptionsError
from scalpel_rt.net import Net
from scalpel_rt.report import read

from ..graph import nets
from .test_measure import NET


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SCALPEL_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def net():
    return Net(nets.graph(NET))


def test_everything(net, tmp_path):
    seen = []
    rng = np.random.default_rng(0)
    images = rng.standard_normal((20, 8, 24, 24), np.float32)
    labels = net.forward(data=images)["prob"].argmax(1)
    net.reshape(data=(1, 8, 24, 24))
    results = compare(net, ["csr", "scipy-csr", "nodes", "scalpel"], [0.8], ["mnn"], threads=[1],
                      batches=[1, 2], data=Dataset(images, labels), pruned={"mine": net}, seconds=0.1, command="me",
                      progress=seen.append)
    assert not results.refused
    assert [s.what for s in results.skipped if s.what == "mnn"] == ["mnn"]      # its environment is not set here
    for batch in (1, 2):
        found = {(e.method, e.sparsity): e for e in results.entries if e.batch == batch}
        assert {("dense", None), ("csr", 0.8), ("scipy-csr", 0.8), ("nodes", 0.8), ("scalpel", 0.8),
                ("mine", None)} <= set(found)
        assert all(e.times.median > 0 and e.error < 1e-3 for e in found.values())
        assert found["dense", None].accuracy == 100 and found["dense", None].zeros == 0
        assert found["csr", 0.8].zeros == pytest.approx(0.8, abs=0.01)
        assert found["csr", 0.8].multiply_adds < 0.25 * found["dense", None].multiply_adds
        assert [x.name for x in found["csr", 0.8].layers][0] == "c1+r1"
        assert found["scipy-csr", 0.8].layers[0].kind == "conv" and found["scipy-csr", 0.8].layers[0].kernel is None
    assert results.about.machine.gflops and results.about.command == "me"
    assert results.about.settings["batches"] == [1, 2]
    assert net.graph.inputs[0].shape == (1, 8, 24, 24)
    assert seen[-1]["share"] == pytest.approx(1, abs=0.05) and seen[-1]["left"] < 1
    shares = [state["share"] for state in seen]
    assert shares == sorted(shares)
    results.save(tmp_path / "r.json")
    assert read(tmp_path / "r.json") == results


def test_accuracy(net):
    images = np.random.default_rng(0).standard_normal((30, 8, 24, 24), np.float32)
    labels = net.forward(data=images)["prob"].argmax(1)
    labels[:6] = (labels[:6] + 1) % 10
    assert accuracy(net, Dataset(images, labels), batch=7) == pytest.approx(80)
    with pytest.raises(DataError, match="samples of shape"):
        accuracy(net, Dataset(images[:, :4], labels))


@pytest.mark.parametrize("wrong, says", [
    ({"methods": ["x"]}, "no method 'x'"), ({"engines": ["x"]}, "no peer 'x'"), ({"threads": [0]}, "at least 1"),
    ({"batches": []}, "at least 1"), ({"threads": [4096]}, "4096 threads are asked for"),
    ({"sparsities": [2]}, "above 0")])
def test_wrong_arguments(net, wrong, says):
    with pytest.raises(OptionsError, match=says):
        compare(net, **{"methods": ["csr"], "sparsities": [0.5], **wrong})


def test_named_nets(tmp_path, monkeypatch):
    net, note = named("lenet5")
    assert note is None and net.params["conv1"][0].data.any()
    assert srt.load(zoo.path("alexnet") / "deploy.prototxt").summary().parameters == 60_965_224
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "deploy.prototxt").write_text(NET)
    monkeypatch.setattr(zoo, "folder", lambda: tmp_path)
    net, note = named("bare")
    assert note.startswith("The weights of bare are random") and net.params["c1"][0].data.all()
    assert named("no such net") == (None, None)


def test_random_weights_keep_signals(net):
    bare = Net(nets.graph(NET.replace('weight_filler { type: "xavier" }', "")))
    assert not bare.params["c1"][0].data.any()
    made = random_weights(bare)
    x = np.random.default_rng(0).standard_normal((1, 8, 24, 24), np.float32)
    made.forward(data=x)
    assert 0.3 < made.blobs["ip2"].data.std() < 5 and not bare.params["c1"][0].data.any()
