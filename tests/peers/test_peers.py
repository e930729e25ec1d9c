"""Every peer that is installed computes what the reference does; the others say why they cannot."""

import subprocess
import time

import numpy as np
import pytest

import scalpel_rt as srt
from scalpel_rt import peers
from scalpel_rt.errors import OptionsError
from scalpel_rt.net import Net
from scalpel_rt.runtime.reference import ReferencePlan

from ..graph import nets

BRANCHES = nets.input_layer("data", 2, 6, 15, 15) + """
layer { name: "c1" type: "Convolution" bottom: "data" top: "c1"
        convolution_param { num_output: 8 kernel_size: 3 stride: 2 pad: 1 group: 2 weight_filler { type: "xavier" } } }
layer { name: "c1/bn" type: "BatchNorm" bottom: "c1" top: "c1" }
layer { name: "c1/scale" type: "Scale" bottom: "c1" top: "c1" scale_param { bias_term: true } }
layer { name: "r1" type: "ReLU" bottom: "c1" top: "c1" }
layer { name: "a" type: "Convolution" bottom: "c1" top: "a"
        convolution_param { num_output: 8 kernel_size: 1 weight_filler { type: "xavier" } } }
layer { name: "sum" type: "Eltwise" bottom: "a" bottom: "c1" top: "sum" }
layer { name: "r2" type: "ReLU" bottom: "sum" top: "sum" }
layer { name: "b" type: "Convolution" bottom: "sum" top: "b" convolution_param { num_output: 4 kernel_h: 3 kernel_w: 2
        dilation: 2 weight_filler { type: "xavier" } bias_filler { type: "constant" value: 0.3 } } }
layer { name: "p" type: "Pooling" bottom: "b" top: "p" pooling_param { pool: AVE kernel_size: 2 stride: 2 } }
layer { name: "ip" type: "InnerProduct" bottom: "p" top: "ip"
        inner_product_param { num_output: 7 weight_filler { type: "xavier" } } }
"""


def present(name):
    peer = peers.find(name)
    why = peer.missing()
    if why is not None:
        assert isinstance(why, str) and why
        pytest.skip(f"peer {name}: {why}")
    return peer


def compared(peer, net, threads=1):
    shape = net.graph.inputs[0].shape
    x = np.random.default_rng(0).standard_normal(shape, np.float32)
    prepared = peer.prepare(net, threads)
    [want] = ReferencePlan(net.graph).run_all(x)
    for _ in range(2):
        np.testing.assert_allclose(np.asarray(prepared(x)).reshape(want.shape), want, atol=2e-5)
    return prepared, x


@pytest.mark.parametrize("name", peers.NAMES)
def test_small_net(name):
    peer = present(name)
    net = Net(nets.graph(nets.LENET))
    net.reshape(data=(1, 1, 12, 12))
    prepared, _ = compared(peer, net)
    if name in ("mnn", "deepsparse"):
        assert 0 < prepared.seconds < 1


@pytest.mark.parametrize("name", ["onnxruntime", "openvino", "opencv", "ncnn", "torch"])
def test_threads_rest_after_a_run(name):
    """Else whoever is timed next has fewer cores than it was given."""
    net = Net(nets.graph(nets.LENET))
    net.reshape(data=(1, 1, 12, 12))
    prepared, x = compared(present(name), net, threads=2)
    busy = []
    for _ in range(5):
        prepared(x)
        time.sleep(0.02)
        begin = time.process_time()
        time.sleep(0.1)
        busy.append(time.process_time() - begin)
    assert min(busy) < 0.03


@pytest.mark.parametrize("name", peers.PRODUCTS)
@pytest.mark.parametrize("sparsity", [0, 0.8])
def test_products_with_all_that_a_convolution_can_have(name, sparsity):
    peer = present(name)
    net = Net(nets.graph(BRANCHES))
    net.params["c1/bn"][1].data[...], net.params["c1/bn"][2].data[...] = 1.5, 1
    if sparsity:
        net = srt.prune(net, "magnitude", sparsity=sparsity)
    prepared, x = compared(peer, net, threads=2)
    layers = prepared.layers(x)
    assert list(layers)[0].startswith("c1") and {"p", "ip"} <= set(layers)
    assert all(0 < seconds < 1 for seconds in layers.values())


def test_names():
    assert set(peers.SPARSE) <= set(peers.NAMES)
    with pytest.raises(OptionsError, match="no peer 'cafe'; there are opencv"):
        peers.find("cafe")


def test_missing_environment(monkeypatch, tmp_path):
    monkeypatch.delenv("SCALPEL_PEER_MNN", raising=False)
    assert "SCALPEL_PEER_MNN does not name" in peers.find("mnn").missing()
    monkeypatch.setenv("SCALPEL_PEER_MNN", str(tmp_path / "python"))
    assert "no such file" in peers.find("mnn").missing()


def test_the_converter_of_mnn_leaves_nothing_where_we_are(monkeypatch, tmp_path):
    pytest.importorskip("onnx")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").touch()
    converter = tmp_path / "bin/mnnconvert"
    converter.write_text("#!/bin/sh\ntouch left-behind\nexit 3\n")
    converter.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCALPEL_PEER_MNN", "bin/python")
    with pytest.raises(subprocess.CalledProcessError, match="exit status 3"):
        peers.find("mnn").prepare(Net(nets.graph(nets.LENET)), 1)
    assert [path.name for path in tmp_path.iterdir()] == ["bin"]


def test_a_child_that_dies_is_an_error(monkeypatch):
    import sys
    import tempfile

    from scalpel_rt.peers import _child

    monkeypatch.setenv("SCALPEL_PEER_MNN", sys.executable)
    with pytest.raises(RuntimeError, match="process of mnn ended: ValueError: no such net"):
        _child.Child("mnn", "raise ValueError('no such net')", [], tempfile.TemporaryDirectory())
