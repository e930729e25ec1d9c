"""Removing nodes gives what masking them gives, layer kind by layer kind."""

import numpy as np
import pytest

import scalpel_rt as srt
from scalpel_rt.errors import OptionsError
from scalpel_rt.net import Net
from scalpel_rt.pruning.couple import couple
from scalpel_rt.pruning.nodes import choose
from scalpel_rt.pruning.remove import remove

from ..graph.nets import graph, input_layer, layer
from .judge import feeds, masked_run, randomize, run
from .nets import DATA, conv, fc, some


def between(*layers):
    """conv a -> the layers, from blob a to blob m -> conv z."""
    return DATA + conv("a", "data") + "".join(layers) + END


END = conv("z", "m", 4)
TWO = DATA + conv("a", "data") + conv("b", "data")
A, B = [0, 2, 3, 5], [1, 2, 4]
# name -> (net, {layer: nodes that stay})
KINDS = {
    "nothing": (DATA + conv("a", "data", top="m") + END, {"a": A}),
    "relu in place": (between(some("ReLU", "a", "a", name="r"), some("Dropout", "a", "m")), {"a": A}),
    "sigmoid": (between(some("Sigmoid", "a", "m")), {"a": A}),
    "power with a shift": (between(some("Power", "a", "m", "power: 2 scale: 0.5 shift: 1")), {"a": A}),
    "elu, tanh, bnll, abs, clip": (between(
        some("ELU", "a", "b"), some("TanH", "b", "c"), some("BNLL", "c", "d"), some("AbsVal", "d", "e"),
        some("Clip", "e", "m", "min: 0 max: 0.8")), {"a": A}),
    "max pooling": (between(some("Pooling", "a", "m", "kernel_size: 3 stride: 2")), {"a": A}),
    "average pooling": (between(some("Pooling", "a", "m", "pool: AVE kernel_size: 3 pad: 1")), {"a": A}),
    "LRN within": (between(some("LRN", "a", "m", "local_size: 3 norm_region: WITHIN_CHANNEL")), {"a": A}),
    "BatchNorm, Scale": (between(layer("BatchNorm", "a", "b"), some("Scale", "b", "c", "bias_term: true"),
                                 some("ReLU", "c", "m")), {"a": A}),
    "BN": (between(some("BN", "a", "m", "bn_mode: INFERENCE")), {"a": A}),
    "PReLU": (between(some("PReLU", "a", "m")), {"a": A}),
    "PReLU, shared": (between(some("PReLU", "a", "m", "channel_shared: true")), {"a": A}),
    "Bias": (between(some("Bias", "a", "m")), {"a": A}),
    "Scale over all axes": (between(some("Scale", "a", "m", "num_axes: -1 bias_term: true")), {"a": A}),
    "Scale over the pixels": (between(some("Scale", "a", "m", "axis: 2 num_axes: 2")), {"a": A}),
    "Scale, one number": (between(some("Scale", "a", "m", "num_axes: 0")), {"a": A}),
    "MVN": (between(some("MVN", "a", "m")), {"a": A}),
    "Softmax over rows": (between(some("Softmax", "a", "m", "axis: 2")), {"a": A}),
    "Concat": (DATA + conv("a", "data") + conv("b", "data", 5) + some("Concat", "a b data", "m") + END,
               {"a": A, "b": B}),
    "Concat of pixels": (TWO + some("Concat", "a b", "m", "axis: 2") + END, {"a": A}),
    "Slice": (between(some("Slice", "a", "b c", "slice_point: 2"), conv("d", "b"), some("ReLU", "c", "m"),
                      some("Silence", "d", "")), {"a": A}),
    "Slice, equal parts": (between(some("Slice", "a", "b c d"), some("Concat", "d b c", "m")), {"a": A}),
    "Slice and Eltwise": (between(some("Slice", "a", "b c"), some("Eltwise", "b c", "m")), {"a": A}),
    "Slice of rows": (between(some("Slice", "a", "b c", "axis: 2 slice_point: 4"),
                              some("Concat", "c b", "m", "axis: 2")), {"a": A}),
    "Eltwise sum": (TWO + some("Eltwise", "a b", "m", "coeff: 2 coeff: -1") + END, {"a": A}),
    "Eltwise product and maximum": (TWO + conv("c", "data") + some("Eltwise", "a b", "d", "operation: PROD")
                                    + some("Eltwise", "d c", "m", "operation: MAX") + END, {"b": A}),
    "residual": (DATA + conv("a", "data") + conv("b", "a") + some("Eltwise", "a b", "c") + conv("d", "c", 5)
                 + conv("e", "d") + some("Eltwise", "c e", "m") + END, {"a": A, "d": B}),
    "several readers": (DATA + conv("a", "data") + some("ReLU", "a", "r") + conv("b", "a", 5) + conv("c", "r", 5)
                        + some("Eltwise", "b c", "m") + END, {"a": A, "c": B}),
    "Flatten, InnerProduct": (DATA + conv("a", "data") + some("Flatten", "a", "f") + fc("z", "f"), {"a": A}),
    "InnerProduct of an image": (DATA + conv("a", "data") + fc("b", "a") + some("ReLU", "b", "b", name="r")
                                 + fc("z", "b"), {"a": A, "b": B}),
    "InnerProduct, transposed": (DATA + conv("a", "data") + fc("b", "a", 5, "transpose: true bias_term: false")
                                 + fc("z", "b", 4, "transpose: true"), {"a": A, "b": B}),
    "InnerProduct of an inner axis": (DATA + fc("a", "data", 6, "axis: 3") + some("TanH", "a", "t") + fc("z", "t"),
                                      {"a": A}),
    "Reshape to a vector": (DATA + conv("a", "data") + some("Reshape", "a", "f", "shape { dim: 0 dim: 432 }")
                            + fc("z", "f"), {"a": A}),
    "Reshape, worked out": (DATA + conv("a", "data") + some("Reshape", "a", "f", "shape { dim: 0 dim: -1 dim: 72 }")
                            + fc("z", "f"), {"a": A}),
    "Reshape of rows": (DATA + conv("a", "data") + some("Reshape", "a", "f", "shape { dim: 54 dim: 8 } axis: 1")
                        + fc("z", "f"), {"a": A}),
    **{f"grouped, {what}": (DATA + conv("a", "data") + conv("b", "a", n, f"group: {group}") + conv("z", "b", 4), keep)
       for what, n, group, keep in (
           ("equal", 8, 2, {"a": [0, 2, 3, 4], "b": [1, 2, 3, 4, 5, 6]}),
           ("inputs differ", 8, 2, {"a": [0, 1, 2, 4]}),
           ("outputs differ", 9, 3, {"b": [0, 1, 2, 3, 8]}),
           ("a group gone", 9, 3, {"a": [0, 1, 4, 5], "b": [0, 1, 6, 7]}),
           ("outputs of a group gone", 9, 3, {"b": [0, 1, 6, 7, 8]}),
           ("one group left", 8, 2, {"a": [3, 5], "b": [4, 5, 7]}),
           ("one group left of two read", 8, 2, {"b": [4, 5, 7]}),
           ("one input each", 6, 6, {"a": A}),
           ("one input and two outputs each", 12, 6, {"a": A}),
           ("one input each, one group left", 6, 6, {"b": [3]}))},
    "ConvolutionDepthwise": (DATA + conv("a", "data") + conv("b", "a", 6, type="ConvolutionDepthwise")
                             + conv("z", "b", 4), {"a": A}),
    **{f"Deconvolution, {what}": (DATA + conv("a", "data") + conv("b", "a", n, f"group: {group}", type="Deconvolution")
                                  + conv("z", "b", 4), keep)
       for what, n, group, keep in (
           ("plain", 5, 1, {"a": A, "b": B}),
           ("grouped", 8, 2, {"a": [1, 2, 3, 4], "b": [0, 1, 4, 5]}),
           ("split", 8, 2, {"a": [1, 2, 3], "b": [0, 1, 4, 5, 6]}),
           ("depthwise", 6, 6, {"a": A}))},
    "Convolution of two bottoms": (TWO + layer(
        "Convolution", "a b", "c d", "convolution_param { num_output: 5 kernel_size: 1 }")
        + some("Concat", "c d", "m") + END, {"a": A, "c": B}),
    "shared weights": (DATA + conv("a", "data") + "".join(
        layer("Convolution", bottom, top, 'param { name: "w" } param { name: "v" } convolution_param { num_output: 6 '
              'kernel_size: 1 }') for bottom, top in (("a", "b"), ("b", "m"))) + END, {"b": A}),
    "squeeze and excite": (DATA + conv("a", "data") + some("Pooling", "a", "p", "pool: AVE global_pooling: true")
                           + fc("s", "p", 3) + fc("t", "s", 6) + some("Sigmoid", "t", "t", name="r")
                           + some("Scale", "a t", "m", "axis: 0 bias_term: true") + END, {"a": A, "s": [1]}),
    "SPP": (DATA + conv("a", "data") + some("SPP", "a", "s", "pyramid_height: 2") + fc("z", "s"), {"a": A}),
    "Tile": (between(some("Tile", "a", "m", "tiles: 2")), {"a": A}),
    "Tile of rows": (between(some("Tile", "a", "m", "axis: 2 tiles: 2")), {"a": A}),
    "Crop": (DATA + conv("a", "data") + conv("b", "data", 5, "stride: 2") + some("Crop", "a b", "m") + conv("y", "b", 4)
             + END, {"a": A, "b": B}),
    "Split": (between(some("Split", "a", "b c"), some("Eltwise", "b c", "m")), {"a": A}),
    "Axpy": (TWO + some("Pooling", "a", "p", "pool: AVE global_pooling: true") + some("Axpy", "p a b", "m") + END,
             {"b": A}),
    "Upsample by a mask": (between(some("Pooling", "a", "p k", "kernel_size: 2 stride: 2"),
                                   some("Upsample", "p k", "m", "scale: 2")), {"a": A}),
    "Interp": (between(some("Interp", "a", "m", "zoom_factor: 2")), {"a": A}),
    "PriorBox reads sizes": (between(some("ReLU", "a", "m"), some("PriorBox", "m data", "priors", "min_size: 3")),
                             {"a": A}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_removed_equals_masked(kind, tmp_path):
    text, keep = KINDS[kind]
    whole = randomize(graph(text))
    before = {param: param.array.copy() for node in whole.nodes for param in node.params}
    coupling = couple(whole)
    gone = choose(coupling, keep=keep)
    small = remove(coupling, gone)

    for name, nodes in keep.items():
        assert np.flatnonzero(~gone[coupling.makers[name]]).tolist() == nodes
    inputs = feeds(whole)
    want = masked_run(whole, {name: gone[classes] for name, classes in coupling.makers.items()}, inputs)
    got = run(small, inputs)
    assert got.keys() == want.keys()
    for name in want:
        np.testing.assert_allclose(got[name], want[name], rtol=1e-5, atol=1e-5, err_msg=name)
    assert any(not np.allclose(value, want[name]) for name, value in run(whole, inputs).items()), "nothing was masked"
    sizes = [sum(p.array.size for node in g.nodes for p in node.params) for g in (small, whole)]
    assert sizes[0] < sizes[1]
    for param, array in before.items():
        assert (param.array == array).all(), "the net given was changed"

    Net(small).save(tmp_path / "small.prototxt", tmp_path / "small.caffemodel")
    again = srt.load(tmp_path / "small.prototxt", tmp_path / "small.caffemodel")
    for name, value in again.forward(dict(zip(again.inputs, inputs, strict=True))).items():
        size = max(1.0, np.abs(want[name]).max())      # of what is summed; a sum may be small by chance
        np.testing.assert_allclose(value, want[name], rtol=1e-5, atol=1e-6 * size)


def test_every_rule_is_tested():
    from scalpel_rt import layers
    from scalpel_rt.pruning.rules import RULES

    seen = {cls for text, _ in KINDS.values() for node in graph(text).nodes for cls in type(node.layer).__mro__}
    untested = {cls.__name__ for cls in RULES} - {cls.__name__ for cls in seen}
    assert untested == {"Implicit", "ROIPooling", "ROIAlign"} and layers.find("ROIPooling")


def test_grouped_convolutions_that_stay_equal_stay_grouped():
    whole = graph(KINDS["grouped, equal"][0])
    small = srt.prune(Net(whole), "nodes", keep=KINDS["grouped, equal"][1]).graph
    assert [node.name for node in small.nodes] == ["data", "a", "b", "z"]
    assert small.nodes[2].layer.group == 2 and small.nodes[2].params[0].shape == (6, 2, 3, 3)


def test_unequal_groups_are_split_into_valid_caffe(tmp_path):
    small = srt.prune(Net(graph(KINDS["grouped, outputs of a group gone"][0])), "nodes", keep={"b": [0, 1, 6, 7, 8]})
    assert [node.type for node in small.layers] == [
        "Input", "Convolution", "Slice", "Convolution", "Convolution", "Silence", "Concat", "Convolution"]
    assert small.outputs == ["z"]
    small.save(tmp_path / "p", tmp_path / "w")
    assert srt.load(tmp_path / "p", tmp_path / "w", dialect="bvlc").outputs == ["z"]


def test_regions_pass_channels():
    text = DATA + input_layer("rois", 4, 5) + conv("a", "data") + some(
        "ROIPooling", "a rois", "m", "pooled_h: 2 pooled_w: 2 spatial_scale: 1") + fc("z", "m")
    whole = randomize(graph(text))
    inputs = [feeds(whole)[0], np.array([[i % 2, 0, 0, 7, 6] for i in range(4)], np.float32)]
    coupling = couple(whole)
    gone = choose(coupling, keep={"a": A})
    want = masked_run(whole, {name: gone[classes] for name, classes in coupling.makers.items()}, inputs)
    np.testing.assert_allclose(run(remove(coupling, gone), inputs)["z"], want["z"], rtol=1e-5, atol=1e-5)


# name -> (net, layer that cannot lose nodes, words of the reason)
HELD = {
    "output": (DATA + conv("z", "data"), "z", "output 'z'"),
    "LRN across": (between(some("LRN", "a", "m")), "a", "LRN across channels"),
    "Permute": (between(some("Permute", "a", "m", "order: 0 order: 2 order: 1 order: 3")), "a", "'m', Permute"),
    "ShuffleChannel": (between(some("ShuffleChannel", "a", "m", "group: 2")), "a", "ShuffleChannel"),
    "Softmax over channels": (between(some("Softmax", "a", "m")), "a", "Softmax"),
    "Eltwise with the input": (DATA + conv("a", "data", 3) + some("Eltwise", "a data", "m") + END, "a",
                               "'data', Input"),
    "Reshape to groups": (between(some("Reshape", "a", "m", "shape { dim: 0 dim: 3 dim: -1 dim: 8 }")), "a", "Reshape"),
    "batch joined": (DATA + conv("a", "data") + some("Reshape", "a", "m", "shape { dim: -1 dim: 8 }") + fc("z", "m"),
                     "a", "Reshape"),
    "shared under another shape": (
        DATA + conv("a", "data") + layer("Convolution", "a", "b", 'param { name: "w" } convolution_param { num_output: '
                                         '6 kernel_size: 3 pad: 1 bias_term: false }')
        + some("Flatten", "b", "f", "axis: 2") + fc("g", "f", 324)
        + fc("z", "g", 1, "bias_term: false", 'param { name: "w" share_mode: PERMISSIVE }'), "b", "another shape"),
    "one name twice": (DATA + conv("a", "data", top="b") + conv("a", "b", top="m") + conv("z", "m"), "a", "this name"),
}


@pytest.mark.parametrize("kind", HELD)
def test_what_cannot_go_says_why(kind):
    text, name, words = HELD[kind]
    with pytest.raises(OptionsError, match=f"'{name}'.*{words}"):
        srt.prune(Net(graph(text)), "nodes", keep={name: [0, 1]})
    with pytest.raises(OptionsError, match=f"'{name}'.*{words}"):
        srt.prune(Net(graph(text)), "nodes", keep={name: 2})


def test_lrn_across_channels_when_asked_for():
    net = Net(graph(HELD["LRN across"][0]))
    small = srt.prune(net, "nodes", keep={"a": 4}, approximate=True)
    assert small.blobs["m"].shape == (2, 4, 9, 8) and np.isfinite(small.forward()["z"]).all()


def test_dropout_follows_what_runs_through_it():
    net = Net(graph(between(some("Dropout", "a", "m", "dropout_ratio: 0.6"))))
    small = srt.prune(net, "nodes", keep={"a": 2})
    assert small.layers[2].layer.ratio == pytest.approx(0.2) and net.layers[2].layer.ratio == pytest.approx(0.6)


def test_other_input_shapes_stay():
    net = Net(graph(DATA + conv("a", "data") + conv("z", "a", 4)))
    net.reshape(data=(1, 3, 5, 5))
    assert srt.prune(net, "nodes", keep={"a": 2}).blobs["z"].shape == (1, 4, 5, 5)
