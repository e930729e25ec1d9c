"""Every invariant, broken on purpose."""

from dataclasses import replace

import numpy as np
import pytest

from scalpel_rt.errors import GraphError, ShapeError
from scalpel_rt.graph import Blob, Param, verify

from .nets import LENET, graph

CONV = 1    # which node of LENET


def changed(i, **fields):
    """The net with fields of node ``i`` changed."""
    net = graph(LENET)
    nodes = list(net.nodes)
    nodes[i] = replace(nodes[i], **fields)
    return replace(net, nodes=tuple(nodes))


def with_tops(net, i, blob):
    """``net`` with ``blob`` in place of what node ``i`` makes, for its readers too."""
    nodes = list(net.nodes)
    old = nodes[i].tops[0]
    nodes[i] = replace(nodes[i], tops=(blob,))
    nodes = [replace(n, bottoms=tuple(blob if b is old else b for b in n.bottoms)) for n in nodes]
    return replace(net, nodes=tuple(nodes))


def test_good_graphs_pass():
    net = graph(LENET)
    assert verify(net) is net
    assert not any(p.loaded for node in net.nodes for p in node.params)     # no filler ran


def test_read_before_written():
    net = graph(LENET)
    order = (net.nodes[0], net.nodes[2], net.nodes[1], *net.nodes[3:])
    with pytest.raises(GraphError, match="'pool1'.*conv1.*not written by an earlier layer"):
        verify(replace(net, nodes=order))


def test_written_twice():
    net = graph(LENET)
    with pytest.raises(GraphError, match="'relu1'.*already written"):
        verify(replace(net, nodes=(*net.nodes[:5], replace(net.nodes[4], bottoms=net.nodes[4].tops), *net.nodes[5:])))


def test_versions_follow():
    net = graph(LENET)
    wrong = Blob("ip1", (2, 5), version=3)
    with pytest.raises(GraphError, match="'relu1'.*version 3.*after 0"):
        verify(with_tops(net, 4, wrong))


@pytest.mark.parametrize("shape", [
    (2, 4, 10, 9), (2, 4, 100), None, [2, 4, 10, 10], (2, 4, 10, 10.0), (2, 4, -10, -10)])
def test_shapes_are_the_layers(shape):
    with pytest.raises(ShapeError, match="'conv1'"):
        verify(with_tops(graph(LENET), CONV, Blob("conv1", shape)))


def test_parameters_are_the_layers():
    w, b = graph(LENET).nodes[CONV].params
    for params in ((w,), (b, w), (w, Param(shape=(5,))), ()):
        with pytest.raises(ShapeError, match="'conv1'.*parameters"):
            verify(changed(CONV, params=params))


def test_parameters_are_float32():
    b = Param(np.zeros(4, np.float32))
    b._array = np.zeros(4)
    with pytest.raises(GraphError, match="parameter 1 holds float64"):
        verify(changed(CONV, params=(graph(LENET).nodes[CONV].params[0], b)))


def test_ends():
    net = graph(LENET)
    with pytest.raises(GraphError, match="inputs"):
        verify(replace(net, inputs=()))
    with pytest.raises(GraphError, match="output.*nobody"):
        verify(replace(net, outputs=(Blob("nobody", (1,)),)))
    two = (net.nodes[1].tops[0], net.nodes[2].tops[0])
    verify(replace(net, outputs=two))
    with pytest.raises(GraphError, match="sorted"):
        verify(replace(net, outputs=two[::-1]))


def test_counts():
    with pytest.raises(GraphError, match="'conv1'.*bottom"):
        verify(changed(CONV, bottoms=()))
