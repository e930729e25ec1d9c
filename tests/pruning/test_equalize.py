"""Weights of like size: the same output, to the bit."""

import numpy as np
import pytest

import scalpel_rt as srt
from scalpel_rt.net import Net

from ..graph.nets import graph, input_layer
from .judge import randomize
from .nets import conv, fc, some

CHAIN = (input_layer("x", 2, 3, 8, 8) + conv("a", "x", 8) + some("ReLU", "a", "a") + some("Pooling", "a", "p",
         "kernel_size: 2 stride: 2") + conv("b", "p", 6) + some("ReLU", "b", "b") + fc("f", "b", 7)
         + some("Dropout", "f", "f") + fc("z", "f", 5, "transpose: true"))


def gains(net):
    return {name: float(views[0].data.std() * np.sqrt(views[0].data.size / len(views[1].data)))
            for name, views in net.params.items()}


def scaled(text, factors):
    net = Net(randomize(graph(text)))
    for name, factor in factors.items():
        for view in net.params[name]:
            view.data[...] *= np.float32(factor)
    return net


def test_a_chain_becomes_even_and_computes_the_same():
    net = scaled(CHAIN, {"a": 100, "b": 0.01, "z": 30})
    before = [view.data.copy() for views in net.params.values() for view in views]
    even = srt.fold(net, equalize=True)
    found = gains(even)
    assert max(gains(net).values()) / min(gains(net).values()) > 1000
    assert max(found.values()) / min(found.values()) < 4
    x = np.random.default_rng(0).standard_normal((2, 3, 8, 8))
    want, got = net.forward(x=x)["z"], even.forward(x=x)["z"]
    assert np.array_equal(want, got) and np.ptp(want) > 0
    assert all((view.data == a).all() for view, a in
               zip((v for views in net.params.values() for v in views), before, strict=True))


@pytest.mark.parametrize("text", [
    input_layer("x", 1, 3, 4, 4) + conv("a", "x", 6) + some("Sigmoid", "a", "s") + conv("b", "s", 6),
    input_layer("x", 1, 3, 4, 4) + conv("a", "x", 6) + conv("b", "a", 6) + some("Eltwise", "a b", "e"),
    input_layer("x", 1, 6, 4, 4) + conv("a", "x", 6, "bias_term: false").replace("convolution_param",
        'param { name: "w" } convolution_param') + conv("b", "a", 6, "bias_term: false").replace("convolution_param",
        'param { name: "w" } convolution_param'),
])
def test_what_cannot_change_stays(text):
    net = scaled(text, {"a": 100})
    even = srt.fold(net, equalize=True)
    for name, views in net.params.items():
        assert all(np.array_equal(v.data, w.data) for v, w in zip(views, even.params[name], strict=True))
