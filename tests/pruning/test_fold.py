"""Folding: fewer layers, the same output, and nothing folded that somebody else needs."""

import numpy as np
import pytest

import scalpel_rt as srt
from scalpel_rt.net import Net

from ..graph.nets import graph
from .judge import randomize
from .nets import DATA, conv, fc, some

SCALE = "bias_term: true"


def made(*layers):
    """A Net with random parameters."""
    return Net(randomize(graph("".join(layers))))


def folds_to(net, types):
    small = srt.fold(net)
    x = np.random.default_rng(1).standard_normal(net.blobs[net.inputs[0]].shape).astype(np.float32)
    want, got = net.forward({net.inputs[0]: x}), small.forward({net.inputs[0]: x})
    assert [node.type for node in small.layers if not node.implicit and not node.layer.is_input] == types
    for name in net.outputs:
        np.testing.assert_allclose(got[name], want[name], rtol=1e-4, atol=1e-4 * np.abs(want[name]).max())
    return small


@pytest.mark.parametrize("bias", ["bias_term: false", "bias_term: true"])
@pytest.mark.parametrize("group", ["", "group: 3"])
def test_batch_norm_and_scale_go_into_a_convolution(bias, group):
    net = made(DATA, conv("c", "data", 6, f"{bias} {group}"), some("BatchNorm", "c", "c", name="bn"),
               some("Scale", "c", "s", SCALE), some("ReLU", "s", "s", name="relu"))
    folds_to(net, ["Convolution", "ReLU"])


@pytest.mark.parametrize("transpose", ["", "transpose: true"])
def test_bias_and_scale_go_into_an_inner_product(transpose):
    net = made(DATA, fc("f", "data", 5, transpose), some("Bias", "f", "b"), some("Scale", "b", "s"))
    folds_to(net, ["InnerProduct"])


def test_what_others_read_stays():
    net = made(DATA, conv("c", "data"), some("Scale", "c", "s"), some("Eltwise", "c s", "e"))
    folds_to(net, ["Convolution", "Scale", "Eltwise"])


def test_behind_an_activation_or_alone_nothing_is_folded():
    net = made(DATA, some("Scale", "data", "s"), conv("c", "s"), some("ReLU", "c", "c", name="r"),
               some("BatchNorm", "c", "b"))
    folds_to(net, ["Scale", "Convolution", "ReLU", "BatchNorm"])


def test_shared_weights_stay_as_they_are():
    net = made(DATA, fc("f", "data", spec='param { name: "w" } param { name: "b" }'), some("Scale", "f", "s"),
               fc("g", "data", spec='param { name: "w" } param { name: "b" }'))
    folds_to(net, ["InnerProduct", "Scale", "InnerProduct"])


def test_numbers_that_overflow_stay():
    net = made(DATA, conv("c", "data"), some("Scale", "c", "s"))
    net.params["s"][0].data[...] = 3e38
    net.params["c"][0].data[...] = 3e38
    assert len(srt.fold(net).layers) == len(net.layers)


def test_a_folded_net_is_saved_and_read(tmp_path):
    net = made(DATA, conv("c", "data"), some("BatchNorm", "c", "c", name="bn"))
    small = folds_to(net, ["Convolution"])
    small.save(tmp_path / "a.prototxt", tmp_path / "a.caffemodel")
    again = srt.load(tmp_path / "a.prototxt", tmp_path / "a.caffemodel")
    assert np.array_equal(again.params["c"][1].data, small.params["c"][1].data)
