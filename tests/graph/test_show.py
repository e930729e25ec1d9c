"""Summary, dumps, saving."""

import json

import numpy as np
import pytest

import scalpel_rt as srt
from scalpel_rt.caffe import messages, read_prototxt, read_weights
from scalpel_rt.errors import FormatError, OptionsError, ShapeError
from scalpel_rt.graph import dump, summarize
from scalpel_rt.graph.save import save_net, to_message

from .nets import LENET, graph, input_layer, layer


def test_summary_of_a_net():
    s = summarize(graph(LENET))
    assert s.inputs == {"data": (2, 1, 12, 12)} and s.outputs == {"prob": (2, 5)}
    assert [row.parameters for row in s.layers] == [0, 4 * 9 + 4, 0, 5 * 100 + 5, 0, 0]
    assert s.parameters == 545 and s.parameter_bytes == 4 * 545
    assert [row.multiply_adds for row in s.layers] == [0, 2 * 4 * 100 * 9, 0, 2 * 5 * 100, 0, 0]
    assert s.multiply_adds == 7200 + 1000
    assert s.activation_bytes == 4 * (2 * 144 + 2 * 400 + 2 * 100 + 2 * 5 + 2 * 5)     # ip1 once, though rewritten


def test_summary_counts_shared_weights_once():
    ip = 'inner_product_param { num_output: 3 bias_term: false } param { name: "w" }'
    text = input_layer("x", 1, 2) + layer("InnerProduct", "x", "a", ip) + layer("InnerProduct", "x", "b", ip)
    s = summarize(graph(text))
    assert s.parameters == 6 and [row.parameters for row in s.layers] == [0, 6, 6]


UNKNOWN = 'name: "q" layer { name: "x" type: "Input" top: "x" }' + layer("ReLU", "x", "y")


def test_unknown_shapes_are_shown_as_such():
    net = graph(UNKNOWN)
    assert summarize(net).multiply_adds == 0
    assert "y ?" in dump(net)
    assert json.loads(dump(net, "json"))["outputs"] == {"y": None}
    assert '"x ?"' in dump(net, "dot")


def test_text():
    lines = dump(graph(LENET)).splitlines()
    assert lines[0] == "small (TEST): 6 layers, 545 parameters"
    assert "  conv1: Convolution(data) -> conv1 2x4x10x10  [4x1x3x3, 4]" in lines
    assert "  relu1: ReLU(ip1) -> ip1′ 2x5" in lines
    assert lines[-2:] == ["inputs: data 2x1x12x12", "outputs: prob 2x5"]


def test_notes_are_shown():
    net = graph('layer { name: "d" type: "Data" top: "data" top: "label" data_param { source: "db" batch_size: 4 } }')
    assert "d" in net.notes and "note: layer 'd': " in dump(net) and "d" in json.loads(dump(net, "json"))["notes"]


def test_json():
    held = json.loads(dump(graph(LENET), "json"))
    assert held["layers"][1]["params"][0] == {"shape": [4, 1, 3, 3], "share_name": ""}
    assert held["layers"][4]["tops"] == [{"name": "ip1", "version": 1, "shape": [2, 5]}]
    assert held["multiply_adds"] == 8200 and held["inputs"] == {"data": [2, 1, 12, 12]}


def test_dot_survives_any_name():
    text = dump(graph(input_layer('a"b\\c', 1) + layer("ReLU", 'a"b\\c', "y", name="l\\n")), "dot")
    assert text.startswith("digraph") and text.endswith("}\n") and text.count("->") == 2
    unescaped = text.replace("\\\\", "").replace('\\"', "")
    assert unescaped.count('"') % 2 == 0


def test_unknown_form():
    with pytest.raises(OptionsError, match="'yaml'"):
        dump(graph(LENET), "yaml")


RULED = LENET + """
layer { name: "drop" type: "Dropout" bottom: "prob" top: "drop" include { phase: TEST } phase: TEST }
layer { name: "gone" type: "Dropout" bottom: "drop" top: "gone" include { phase: TRAIN } }
layer { name: "w" type: "Power" bottom: "drop" top: "w" loss_weight: 1 }
layer { name: "r" type: "ReLU" bottom: "w" top: "r" }
"""


@pytest.mark.parametrize("weights", ["net.caffemodel", "net.caffemodel.h5"])
def test_what_is_saved_loads_again(tmp_path, weights):
    if weights.endswith("h5"):
        pytest.importorskip("h5py")
    net = graph(RULED)
    save_net(net, tmp_path / "net.prototxt", tmp_path / weights)
    again = srt.load(tmp_path / "net.prototxt", tmp_path / weights, dialect="bvlc").graph
    assert dump(again, "json") == dump(net, "json")
    for a, b in zip(net.nodes, again.nodes, strict=True):
        for p, q in zip(a.params, b.params, strict=True):
            np.testing.assert_array_equal(p.array, q.array)
            assert q.loaded


def test_rules_and_implicit_layers_are_not_saved():
    net = graph(RULED)
    assert net.nodes[-2].name == "w_w_0_split" and net.nodes[-2].implicit
    names = [made.name for made in to_message(net).layer]
    assert names == ["data", "conv1", "pool1", "ip1", "relu1", "prob", "drop", "w", "r"]
    assert not any(made.include or made.exclude or made.blobs for made in to_message(net).layer)
    assert to_message(net).layer[6].phase == messages().Phase.TEST


def test_inline_weights_go_to_the_caffemodel(tmp_path):
    net = graph(input_layer("x", 1, 2) + layer("InnerProduct", "x", "y", "inner_product_param { num_output: 1 "
                "bias_term: false } blobs { shape { dim: 1 dim: 2 } data: [3, 4] }"))
    save_net(net, tmp_path / "n.prototxt", tmp_path / "n.caffemodel")
    assert not read_prototxt(tmp_path / "n.prototxt").layer[1].blobs
    np.testing.assert_array_equal(read_weights(tmp_path / "n.caffemodel").layers[1].blobs[0].array, [3, 4])


def test_a_shape_that_the_file_left_open_is_saved_once_known():
    net = srt.Net(graph(UNKNOWN))
    with pytest.raises(ShapeError, match="reshape"):
        net.save(caffemodel="never.caffemodel")
    net.reshape(x=(1, 2))
    assert list(to_message(net.graph).layer[0].input_param.shape[0].dim) == [1, 2]
    known = srt.Net(graph(input_layer("x", 1, 2)))
    known.reshape(x=(5, 2))
    assert list(to_message(known.graph).layer[0].input_param.shape[0].dim) == [1, 2]


def test_a_failed_save_leaves_the_old_file(tmp_path):
    path = tmp_path / "n.caffemodel.h5"
    path.write_text("old")
    pytest.importorskip("h5py")
    with pytest.raises(FormatError):
        save_net(graph(input_layer("a/b", 1)), caffemodel=path)
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]
