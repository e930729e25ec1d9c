"""From names to blobs: in place, splits, outputs, and what Caffe refuses."""

import pytest

from scalpel_rt.errors import GraphError, UnsupportedError
from scalpel_rt.graph import verify
from scalpel_rt.graph.wiring import split_names

from .nets import graph, input_layer, layer

X = input_layer("x", 2, 3)


def names(blobs):
    return [blob.name for blob in blobs]


def test_in_place_makes_versions():
    net = graph(X + layer("Power", "x", "y") + layer("ReLU", "y", "y", name="r") + layer("TanH", "y", "z"))
    _, power, relu, tanh = net.nodes
    assert (power.tops[0].version, relu.tops[0].version) == (0, 1)
    assert relu.bottoms == power.tops and tanh.bottoms == relu.tops
    assert net.final_blobs()["y"] is relu.tops[0]
    assert names(net.outputs) == ["z"]


def test_in_place_counts_the_same_index_only():
    swap = 'layer { name: "s" type: "Silence" bottom: "a" bottom: "b" }'
    with pytest.raises(GraphError, match="'b2'.*'a' is made by an earlier layer"):
        graph(X + layer("Power", "x", "a") + layer("Split", "x", "b c") + layer("Concat", "b a", "a", name="b2") + swap)


def test_in_place_needs_to_be_the_only_reader():
    text = X + layer("Power", "x", "p") + layer("TanH", "p", "t") + layer("ReLU", "p", "p", name="late")
    with pytest.raises(GraphError, match="'late'.*'p'"):
        graph(text)
    with pytest.raises(GraphError, match="'both'.*'p'"):
        graph(X + layer("Power", "x", "p") + layer("Eltwise", "p p", "p", name="both"))
    with pytest.raises(GraphError, match="'late'.*loss weight"):
        graph(X + layer("Power", "x", "p", "loss_weight: 1") + layer("ReLU", "p", "p", name="late"))


def test_in_place_first_then_readers():
    net = graph(X + layer("Power", "x", "p") + layer("ReLU", "p", "p", name="r") + layer("TanH", "p", "a")
                + layer("Sigmoid", "p", "b"))
    assert net.nodes[3].bottoms == net.nodes[4].bottoms == net.nodes[2].tops


def test_one_maker_for_a_name():
    with pytest.raises(GraphError, match="'again'.*'y'"):
        graph(X + layer("Power", "x", "y") + layer("TanH", "x", "y", name="again"))
    with pytest.raises(GraphError, match="'s'.*'y'"):
        graph(X + layer("Split", "x", "y y", name="s"))


def test_unknown_bottom_and_wrong_order():
    with pytest.raises(GraphError, match="layer 'y': bottom 0, 'nowhere', is made by no layer"):
        graph(X + layer("ReLU", "nowhere", "y"))
    with pytest.raises(GraphError, match="layer 'y': bottom 0, 'z', is made only later, by layer 'z'"):
        graph(X + layer("ReLU", "z", "y") + layer("ReLU", "x", "z"))
    with pytest.raises(GraphError, match="'y', is made by no layer"):
        graph(X + layer("ReLU", "y", "y"))


def test_outputs_are_sorted_by_bytes():
    net = graph(X + "".join(layer("Power", "x", name) for name in ("zeta", "b9", "é", "b10", "Alpha")))
    assert names(net.outputs) == ["Alpha", "b10", "b9", "zeta", "é"]


def test_unread_inputs_and_tops_are_outputs():
    net = graph(input_layer("unread", 1) + X + layer("Slice", "x", "s1 s2 s3") + layer("ReLU", "s2", "y"))
    assert names(net.outputs) == ["s1", "s3", "unread", "y"]
    assert names(net.inputs) == ["unread", "x"]


def test_silence_takes_blobs_out_of_the_outputs():
    net = graph(X + layer("Power", "x", "a") + layer("Power", "x", "b") + layer("Silence", "b", "", name="quiet"))
    assert names(net.outputs) == ["a"]


def test_loss_without_a_top():
    net = graph(input_layer("x", 2, 3) + input_layer("t", 2, 3) + layer("EuclideanLoss", "x t", "", name="l1")
                + layer("EuclideanLoss", "t x", "", name="l2") + layer("Power", "x", "y"))
    assert names(net.nodes[2].tops) == ["(automatic)"]
    assert names(net.outputs) == ["y"]
    verify(net)


def test_loss_weight_is_a_reader_whose_copy_is_an_output():
    text = X + layer("Power", "x", "y", "loss_weight: 1", name="r") + layer("ReLU", "y", "z")
    assert names(graph(text).outputs) == ["y_r_0_split_0", "z"]
    assert names(graph(text.replace("loss_weight: 1", "loss_weight: 0")).outputs) == ["z"]
    alone = graph(X + layer("Power", "x", "y", "loss_weight: 1", name="r"))
    assert names(alone.outputs) == ["y"]


def test_names_of_splits():
    net = graph(X + layer("Power", "x", "y", name="p") + layer("ReLU", "y", "a") + layer("TanH", "y", "b"))
    y = net.nodes[1].tops[0]
    assert split_names(net) == {"y_p_0_split_0": y, "y_p_0_split_1": y}


def test_unknown_type_suggests():
    with pytest.raises(UnsupportedError, match="layer 'y'.*'Convolutional'.*Convolution"):
        graph(X + layer("Convolutional", "x", "y"))


def test_counts_of_bottoms_and_tops():
    with pytest.raises(GraphError, match="'y'.*1 bottom.*2"):
        graph(X + layer("ReLU", "x x", "y"))
    with pytest.raises(GraphError, match="'q'.*1 top.*0"):
        graph(X + layer("ReLU", "x", "", name="q"))


@pytest.mark.parametrize("more", ["propagate_down: true propagate_down: false", "loss_weight: 1 loss_weight: 2"])
def test_counts_of_training_fields(more):
    with pytest.raises(GraphError, match=f"'y'.*{more.split(':')[0]} is given 2 times"):
        graph(X + layer("ReLU", "x", "y", more))


def test_phase_of_a_layer_overrides_the_nets():
    net = graph(X + layer("Dropout", "x", "y", "phase: TRAIN") + layer("Dropout", "x", "z"))
    assert [node.layer.phase for node in net.nodes] == ["TEST", "TRAIN", "TEST"]


def test_trust_reaches_the_layers():
    assert not any(node.layer.trusted for node in graph(X).nodes)
    assert all(node.layer.trusted for node in graph(X, trusted=True).nodes)
