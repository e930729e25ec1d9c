"""The paper's line: how the nets are pruned, and how the means are worked out."""

from dataclasses import replace

import numpy as np
import pytest

from scalpel_rt import zoo
from scalpel_rt.comparing import paper as module
from scalpel_rt.comparing.nets import named
from scalpel_rt.comparing.paper import NETS, account, paper

from ..report.sample import entry, results


def made(net, **seconds):
    """Entries of one net, {method with _ for -: seconds}."""
    return [entry(method.replace("_", "-"), s, None if method in ("dense", "blas") else 0.9, net=net,
                  dense_bytes=12000, bytes={"scalpel": 1200, "scipy_csr": 3000}.get(method, 12000))
            for method, s in seconds.items()]


def test_means_are_of_ratios():
    entries = made("a", dense=1.0, blas=2.0, mkl_csr=4.0, scipy_csr=1.0, scalpel=0.5) + \
        made("b", dense=1.0, blas=4.0, mkl_csr=2.0, scipy_csr=8.0, scalpel=0.25)
    text = "\n".join(account(replace(results(), entries=entries)))
    assert "1.06 times as fast, Scalpel 2.61 times and 82 % smaller" in text
    assert "by MKL's compressed rows 1.25 times (least 0.50, most 2.00)" in text        # over BLAS
    assert "Scalpel 10.00 times (least 4.00, most 16.00)" in text
    assert "Scalpel 3.00 times (least 2.00, most 4.00)" in text                         # over our dense kernels
    assert "Scalpel 90 %, traditional as 32-bit compressed rows 75 %" in text
    assert "is shown here with mkl-csr: a run slower pruned" in text
    assert "is shown here with scipy-csr: b run slower pruned" in text
    fast = [e for e in entries if e.net == "b" and e.method != "scipy-csr"]
    assert "is not seen here with mkl-csr: no net ran slower" in "\n".join(account(replace(results(), entries=fast)))


def test_nothing_measured():
    assert len(account(replace(results(), entries=[]))) == 2


def shapes(net):
    return [p[0].shape[0] for p in net.params.values()]


@pytest.mark.parametrize("name, outputs", [
    ("lenet5", [9, 18, 500, 10]), ("convnet", [28, 22, 40, 10]), ("nin", [117, 81, 62, 183, 123, 148, 91, 54, 10]),
    ("lenet_300_100", [300, 100, 10])])
def test_structures(name, outputs):
    net, _ = named(name)
    scalpel, said = module._scalpel(name, net)
    assert shapes(scalpel) == outputs and "authors' release" in said
    traditional, said = module._traditional(name, net)
    assert shapes(traditional) == shapes(net)
    rates = module.TRADITIONAL.get(name, (module.SUPPOSED,) * len(outputs))
    for rate, params in zip(rates, traditional.params.values(), strict=True):
        assert np.mean(params[0].data == 0) == pytest.approx(rate, abs=0.01)


def test_one_net(monkeypatch, tmp_path):
    monkeypatch.setenv("SCALPEL_CACHE", str(tmp_path))
    seen = []
    found = paper(["lenet_300_100"], seconds=0.1, progress=seen.append)
    assert not found.refused
    methods = {e.method for e in found.entries}
    assert {"dense", "csr", "scipy-csr", "scalpel"} <= methods and seen[-1]["share"] == pytest.approx(1, abs=0.05)
    assert any("lenet_300_100: trained weights." in note for note in found.notes)
    assert {s.what for s in found.skipped} >= {"mkl-csr"} - methods


def test_shipped_nets_are_preferred(monkeypatch, tmp_path):
    net, _ = named("lenet_300_100")
    (tmp_path / "x").mkdir()
    net.save(tmp_path / "x" / "deploy.prototxt")
    net.save(tmp_path / "x" / "scalpel.safetensors")
    monkeypatch.setattr(zoo, "folder", lambda: tmp_path)
    (tmp_path / "measured.json").write_text('{"x": {"scalpel": {"accuracy": 98.5}}}')
    shipped, said, accuracy = module._pruned("x", net, ["none", "scalpel"], None)
    assert said == "pruned and retrained, as it comes along (scalpel.safetensors)" and accuracy == 98.5
    assert module._accuracy("x", "dense") is None
    assert np.array_equal(shipped.params["ip1"][0].data, net.params["ip1"][0].data)


def test_all_five_are_there():
    assert set(NETS) <= set(zoo.names())
