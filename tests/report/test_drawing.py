"""net.plot(), and what notebooks show."""

import shutil
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import scalpel_rt as srt
from scalpel_rt.errors import OptionsError, UnsupportedError
from scalpel_rt.net import Net

from ..graph import nets


@pytest.fixture
def net():
    net = Net(nets.graph(nets.LENET))
    net.params["ip1"][0].data[...] = 0
    net.params["conv1"][0].data[0] = 0
    net.params["conv1"][0].data[1:] = 1
    return net


@pytest.fixture
def dot():
    if shutil.which("dot") is None:
        pytest.skip("Graphviz is not installed: no net was drawn")


def test_svg(dot, net):
    drawing = net.plot()
    words = [e.text for e in ET.fromstring(drawing.svg).iter("{http://www.w3.org/2000/svg}text")]
    assert {"conv1", "Convolution", "25 % zeros", "100 % zeros", "prob", "Softmax"} <= set(words)
    assert 'fillcolor="#56b4e9"' in drawing.dot and drawing._repr_svg_().startswith("<svg")
    assert 'fill="#56b4e9"' in drawing.svg


@pytest.mark.parametrize("form, starts", [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_files(dot, net, tmp_path, form, starts):
    net.plot(tmp_path / f"net.{form}", rankdir="LR")
    assert (tmp_path / f"net.{form}").read_bytes().startswith(starts)


def test_strange_names(dot):
    graph = nets.graph(nets.LENET.replace('"ip1"', '"<b>&\\" \\\\n{x}"'))
    assert "<b>&\"" in "".join(ET.fromstring(Net(graph).plot().svg).itertext())


def test_wrong_ending(net, tmp_path):
    with pytest.raises(OptionsError, match="a net is drawn as .svg, .png, .pdf"):
        net.plot(tmp_path / "net.gif")
    with pytest.raises(OptionsError, match="rankdir"):
        net.plot(rankdir="UP")


def test_without_graphviz(net, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UnsupportedError, match="'dot' is not on the path"):
        net.plot()


def test_a_dot_that_fails(net, monkeypatch, tmp_path):
    bad = tmp_path / "dot"
    bad.write_text("#!/bin/sh\necho no such luck >&2\nexit 3\n")
    bad.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(UnsupportedError, match="Graphviz failed: no such luck"):
        net.plot()


def test_notebook_net(net):
    text = net._repr_html_()
    assert text.startswith("<table>") and "<td style=\"text-align: left\">conv1</td>" in text
    # 9 of 36 weights and all 4 biases
    assert ">32.5</td>" in text and "6 layers" in text


def test_notebook_plan(net):
    text = net.compile(srt.Options(threads=1))._repr_html_()
    assert "conv1" in text and "scl_" in text and "steps" in text and "<script" not in text
    silly = nets.graph(nets.LENET.replace('"ip1"', '"<script>"'))
    assert "<script" not in Net(silly).compile()._repr_html_() and "<script" not in Net(silly)._repr_html_()


def test_notebook_plan_with_python_layers():
    text = nets.input_layer("x", 1, 2, 4, 4) + 'layer { name: "f" type: "Filter" bottom: "x" bottom: "s" top: "y" }'
    graph = nets.graph(nets.input_layer("s", 1, 1) + text)
    assert "Filter" in Net(graph).compile()._repr_html_() or "steps" in Net(graph).compile()._repr_html_()


def test_unknown_shapes_are_shown():
    graph = nets.graph('layer { name: "d" type: "Input" top: "x" }\n' + nets.layer(
        "InnerProduct", "x", "y", "inner_product_param { num_output: 3 }"))
    net = Net(graph)
    assert "?" in net._repr_html_()
    net.reshape(x=(2, 5))
    assert "2×3" in net._repr_html_()
    assert np.isfinite(net.compile().run(np.ones((2, 5), np.float32))).all()
