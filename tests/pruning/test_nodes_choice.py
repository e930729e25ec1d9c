"""Which nodes go: by count, by list, by importance; and what is refused."""

import numpy as np
import pytest

import scalpel_rt as srt
from scalpel_rt.errors import OptionsError
from scalpel_rt.net import Net
from scalpel_rt.pruning.couple import couple
from scalpel_rt.pruning.nodes import choose

from ..graph.nets import graph, layer
from .judge import randomize
from .nets import DATA, conv, fc, some

CHAIN = DATA + conv("a", "data", 8) + conv("b", "a", 6) + fc("c", "b")
SUM = DATA + conv("a", "data", 8) + conv("b", "data", 8) + some("Eltwise", "a b", "s") + conv("z", "s", 4)
GROUPS = DATA + conv("a", "data", 8) + conv("b", "a", 8, "group: 2") + conv("z", "b", 4)


def kept(text, **options):
    """{layer: indices that stay} of a net whose filters have the magnitudes that ``magnitudes`` gives."""
    whole = randomize(graph(text))
    for name, sizes in options.pop("sizes", {}).items():
        node = next(node for node in whole.nodes if node.name == name)
        shape = node.params[0].shape
        sizes = np.reshape(np.float32(sizes), (-1,) + (1,) * (len(shape) - 1))
        node.params[0].array = np.broadcast_to(sizes, shape).copy()
    coupling = couple(whole)
    gone = choose(coupling, **options)
    return {name: np.flatnonzero(~gone[classes]).tolist() for name, classes in coupling.makers.items()}


def test_the_least_important_go():
    sizes = {"a": [5, 1, 7, 2, 8, 3, 6, 4]}
    for criterion in ("l1", "l2"):
        assert kept(CHAIN, keep={"a": 3}, sizes=sizes, criterion=criterion)["a"] == [2, 4, 6]
        assert kept(CHAIN, sparsity={"a": 0.6}, sizes=sizes, criterion=criterion)["a"] == [0, 2, 4, 6]


def test_l1_and_l2_differ():
    whole = graph(CHAIN)
    filters = np.zeros((8, 3, 3, 3), np.float32)
    filters[0, :, 0, 0], filters[1, :, 0, 0], filters[2:] = [9, 0, 0], [4, 4, 4], 20
    whole.nodes[1].params[0].array = filters
    coupling = couple(whole)
    for criterion, weakest in (("l1", 0), ("l2", 1)):
        gone = choose(coupling, keep={"a": 7}, criterion=criterion)
        assert np.flatnonzero(gone[coupling.makers["a"]]).tolist() == [weakest]


def test_bn_scale():
    text = DATA + conv("a", "data", 4) + layer("BatchNorm", "a", "n") + some("Scale", "n", "s") + conv("z", "s", 4)
    net = Net(randomize(graph(text)))
    net.params["s"][0].data[...] = [3, -0.1, 2, 1]
    small = srt.prune(net, "nodes", keep={"a": 2}, criterion="bn_scale")
    assert small.params["s"][0].data.tolist() == [3, 2]
    with pytest.raises(OptionsError, match="'b'.*Scale"):
        kept(text.replace('"z"', '"b"') + conv("z", "b", 4), keep={"b": 2}, criterion="bn_scale")


def test_a_share_of_all_layers_that_can_lose_nodes():
    assert {n: len(i) for n, i in kept(CHAIN, sparsity=0.5).items()} == {"a": 4, "b": 3, "c": 5}
    assert {n: len(i) for n, i in kept(CHAIN, sparsity=0.99).items()} == {"a": 1, "b": 1, "c": 5}
    assert {n: len(i) for n, i in kept(CHAIN, sparsity=0.5, layers=["b"]).items()} == {"a": 8, "b": 3, "c": 5}


def test_a_share_of_all_together_leaves_every_layer_something():
    sizes = {"a": [1, 1, 1, 1, 1, 1, 1, 1], "b": [0.01, 0.01, 0.01, 0.01, 9, 9]}
    left = kept(CHAIN, sparsity=0.3, scope="global", sizes=sizes)
    assert left == {"a": list(range(8)), "b": [4, 5], "c": list(range(5))}
    left = kept(CHAIN, sparsity=0.95, scope="global")
    assert len(left["a"]) == len(left["b"]) == 1


def test_coupled_layers_share_their_fate():
    sizes = {"a": [9, 1, 5, 5, 5, 5, 5, 5], "b": [5, 1, 9, 5, 5, 5, 5, 5]}
    assert kept(SUM, keep={"a": 2}, sizes=sizes)["b"] == [0, 2]
    assert kept(SUM, keep={"b": 2, "a": 2}, sizes=sizes)["a"] == [0, 2]
    assert kept(SUM, sparsity=0.5, sizes=sizes)["a"] == kept(SUM, sparsity=0.5, sizes=sizes)["b"]
    with pytest.raises(OptionsError, match="'b'.*with those of 'a'"):
        kept(SUM, keep={"a": 3, "b": 2})
    with pytest.raises(OptionsError, match="'b'.*with those of 'a'"):
        kept(SUM, keep={"a": [0, 1], "b": [0, 2]})


def test_groups_lose_equally_many_where_that_is_possible():
    sizes = {"a": [1, 2, 3, 4, 5, 6, 7, 8], "b": [8, 7, 6, 5, 4, 3, 2, 1]}
    assert kept(GROUPS, keep={"a": 4, "b": 2}, sizes=sizes) == {"a": [2, 3, 6, 7], "b": [0, 4], "z": [0, 1, 2, 3]}
    assert kept(GROUPS, keep={"a": 5}, sizes=sizes)["a"] == [3, 4, 5, 6, 7]


def test_nodes_that_go_in_pairs():
    text = DATA + conv("a", "data", 4) + conv("b", "a", 8, "group: 4") + conv("z", "b", 4)
    assert kept(text, keep={"b": 6}, sizes={"b": [1, 1, 9, 9, 8, 8, 7, 7]})["b"] == [2, 3, 4, 5, 6, 7]
    with pytest.raises(OptionsError, match="'b'.*exactly 5 of 8.*groups of 2"):
        kept(text, keep={"b": 5})
    with pytest.raises(OptionsError, match="'b'.*nodes 4, 5 go together"):
        kept(text, keep={"b": [0, 1, 4]})


@pytest.mark.parametrize("options, words", [
    ({"keep": {"a": 0}}, "'a'.*keep 0 of 8"),
    ({"keep": {"a": []}}, "'a'.*all of its 8"),
    ({"keep": {"a": 9}}, "'a'.*keep 9 of 8"),
    ({"keep": {"a": -1}}, "'a'"),
    ({"keep": {"a": [8]}}, "'a'.*0 to 7"),
    ({"keep": {"a": [1, 1]}}, "'a'.*different"),
    ({"keep": {"a": [1.5]}}, "'a'.*list of their indices"),
    ({"keep": {"a": 2.5}}, "'a'.*list of their indices"),
    ({"keep": {"a": True}}, "'a'.*list of their indices"),
    ({"keep": {"conv": 3}}, "no layer 'conv'"),
    ({"keep": {"data": 3}}, "'data'.*Input has no nodes"),
    ({"keep": {"c": 3}}, "'c'.*output 'c'"),
    ({"sparsity": 1.0}, "sparsity must be"),
    ({"sparsity": {"c": 0.5}}, "'c'"),
    ({"sparsity": 0.5, "layers": ["c"], "scope": "global"}, "'c'.*none of its nodes"),
    ({}, "keep, sparsity"),
    ({"keep": {"a": 2}, "sparsity": 0.5}, "keep and sparsity"),
    ({"keep": {"a": 2}, "criterion": "luck"}, "criterion must be one of l1, l2, bn_scale"),
    ({"sparsity": 0.5, "scope": "here"}, "scope"),
])
def test_bad_options(options, words):
    with pytest.raises(OptionsError, match=words):
        kept(CHAIN, **options)


def test_a_group_without_inputs_is_refused():
    with pytest.raises(OptionsError, match="'b'.*inputs of its group 0 would be removed"):
        srt.prune(Net(graph(GROUPS)), "nodes", keep={"a": [4, 5, 6]})


def test_a_piece_of_a_slice_must_keep_something():
    text = DATA + conv("a", "data", 4) + some("Slice", "a", "p q") + conv("y", "p", 2) + conv("z", "q", 2)
    with pytest.raises(OptionsError, match="'p'.*all channels.*'q'"):
        srt.prune(Net(graph(text)), "nodes", keep={"a": [0, 1]})


def test_real_nets_lose_half_their_nodes(shared):
    """ResNet, SqueezeNet, a face detector with depthwise convolutions, SSD: all of their joins at once."""
    for name, most in (("cifar10_resnet20", 0.4), ("squeezenet_v1.0_deepcompression", 0.5), ("ultraface_slim320", 0.6),
                       ("res10_ssd_face", 0.6), ("cifar10_full_v1", 0.4)):
        net = srt.load(shared / "models" / name / "deploy.prototxt", shared / "models" / name / "weights.caffemodel")
        small = srt.prune(net, "nodes", sparsity=0.5)
        assert small.summary().parameters < most * net.summary().parameters, name
        assert small.outputs == net.outputs
