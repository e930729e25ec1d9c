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

DATA = input_layer("data", 2, 3, 9, 8)


def conv(name, bottom, n=6, more="", top=None, type="Convolution"):
    return layer(type, bottom, top or name, f"convolution_param {{ num_output: {n} kernel_size: 3 pad: 1 {more} }}", name)


def fc(name, bottom, n=5, more=""):
    return layer("InnerProduct", bottom, name, f"inner_product_param {{ num_output: {n} {more} }}")


def between(*layers):
    """conv a -> the layers, from blob a to blob m -> conv z."""
    return DATA + conv("a", "data") + "".join(layers) + conv("z", "m", 4)


A, B = [0, 2, 3, 5], [1, 2, 4]
# name -> (net, {layer: nodes that stay})
KINDS = {
    "nothing": (DATA + conv("a", "data", top="m") + conv("z", "m", 4), {"a": A}),
    "relu in place": (between(layer("ReLU", "a", "a"), layer("Dropout", "a", "m")), {"a": A}),
    "sigmoid": (between(layer("Sigmoid", "a", "m")), {"a": A}),
    "power with a shift": (between(layer("Power", "a", "m", "power_param { power: 2 scale: 0.5 shift: 1 }")), {"a": A}),
    "elu, tanh, bnll, abs, clip": (between(
        layer("ELU", "a", "b"), layer("TanH", "b", "c"), layer("BNLL", "c", "d"), layer("AbsVal", "d", "e"),
        layer("Clip", "e", "m", "clip_param { min: 0 max: 0.8 }")), {"a": A}),
    "max pooling": (between(layer("Pooling", "a", "m", "pooling_param { kernel_size: 3 stride: 2 }")), {"a": A}),
    "average pooling": (between(layer("Pooling", "a", "m", "pooling_param { pool: AVE kernel_size: 3 pad: 1 }")), {"a": A}),
    "LRN within": (between(layer("LRN", "a", "m", "lrn_param { local_size: 3 norm_region: WITHIN_CHANNEL }")), {"a": A}),
    "BatchNorm, Scale": (between(
        layer("BatchNorm", "a", "b"), layer("Scale", "b", "c", "scale_param { bias_term: true }"),
        layer("ReLU", "c", "m")), {"a": A}),
    "BN": (between(layer("BN", "a", "m", "bn_param { bn_mode: INFERENCE }")), {"a": A}),
    "PReLU": (between(layer("PReLU", "a", "m")), {"a": A}),
    "PReLU, shared": (between(layer("PReLU", "a", "m", "prelu_param { channel_shared: true }")), {"a": A}),
    "Bias": (between(layer("Bias", "a", "m")), {"a": A}),
    "Scale over all axes": (between(layer("Scale", "a", "m", "scale_param { num_axes: -1 bias_term: true }")), {"a": A}),
    "Scale over the pixels": (between(layer("Scale", "a", "m", "scale_param { axis: 2 num_axes: 2 }")), {"a": A}),
    "Scale, one number": (between(layer("Scale", "a", "m", "scale_param { num_axes: 0 }")), {"a": A}),
    "MVN": (between(layer("MVN", "a", "m")), {"a": A}),
    "Softmax over rows": (between(layer("Softmax", "a", "m", "softmax_param { axis: 2 }")), {"a": A}),
    "Concat": (DATA + conv("a", "data") + conv("b", "data", 5) + layer("Concat", "a b data", "m") + conv("z", "m", 4),
               {"a": A, "b": B}),
    "Concat of pixels": (DATA + conv("a", "data") + conv("b", "data") + layer("Concat", "a b", "m", "concat_param { axis: 2 }")
                         + conv("z", "m", 4), {"a": A}),
    "Slice": (between(layer("Slice", "a", "b c", "slice_param { slice_point: 2 }"), conv("d", "b"), layer("ReLU", "c", "m"),
                      layer("Silence", "d", "")), {"a": A}),
    "Slice, equal parts": (between(layer("Slice", "a", "b c d"), layer("Concat", "d b c", "m")), {"a": A}),
    "Slice and Eltwise": (between(layer("Slice", "a", "b c"), layer("Eltwise", "b c", "m")), {"a": [0, 2, 3, 5]}),
    "Slice of rows": (between(layer("Slice", "a", "b c", "slice_param { axis: 2 slice_point: 4 }"),
                              layer("Concat", "c b", "m", "concat_param { axis: 2 }")), {"a": A}),
    "Eltwise sum": (DATA + conv("a", "data") + conv("b", "data") + layer("Eltwise", "a b", "m", "eltwise_param { coeff: 2 "
                    "coeff: -1 }") + conv("z", "m", 4), {"a": A}),
    "Eltwise product and maximum": (DATA + conv("a", "data") + conv("b", "data") + conv("c", "data")
                                    + layer("Eltwise", "a b", "d", "eltwise_param { operation: PROD }")
                                    + layer("Eltwise", "d c", "m", "eltwise_param { operation: MAX }") + conv("z", "m", 4),
                                    {"b": A}),
    "residual": (DATA + conv("a", "data") + conv("b", "a") + layer("Eltwise", "a b", "c") + conv("d", "c", 5)
                 + conv("e", "d") + layer("Eltwise", "c e", "m") + conv("z", "m", 4), {"a": A, "d": B}),
    "several readers": (DATA + conv("a", "data") + layer("ReLU", "a", "r") + conv("b", "a", 5) + conv("c", "r", 5)
                        + layer("Eltwise", "b c", "m") + conv("z", "m", 4), {"a": A, "c": B}),
    "Flatten, InnerProduct": (DATA + conv("a", "data") + layer("Flatten", "a", "f") + fc("z", "f"), {"a": A}),
    "InnerProduct of an image": (DATA + conv("a", "data") + fc("b", "a", 5) + layer("ReLU", "b", "b") + fc("z", "b"),
                                 {"a": A, "b": B}),
    "InnerProduct, transposed": (DATA + conv("a", "data") + fc("b", "a", 5, "transpose: true bias_term: false")
                                 + fc("z", "b", 4, "transpose: true"), {"a": A, "b": B}),
    "InnerProduct of an inner axis": (DATA + fc("a", "data", 6, "axis: 3") + layer("TanH", "a", "t") + fc("z", "t"), {"a": A}),
    "Reshape to a vector": (DATA + conv("a", "data") + layer("Reshape", "a", "f", "reshape_param { shape { dim: 0 dim: 432 } }")
                            + fc("z", "f"), {"a": A}),
    "Reshape, worked out": (DATA + conv("a", "data") + layer("Reshape", "a", "f", "reshape_param { shape { dim: 0 dim: -1 "
                            "dim: 72 } }") + fc("z", "f"), {"a": A}),
    "Reshape of rows": (DATA + conv("a", "data") + layer("Reshape", "a", "f", "reshape_param { shape { dim: 54 dim: 8 } "
                        "axis: 1 }") + fc("z", "f"), {"a": A}),
    "grouped, equal": (DATA + conv("a", "data") + conv("b", "a", 8, "group: 2") + conv("z", "b", 4),
                       {"a": [0, 2, 3, 4], "b": [1, 2, 3, 4, 5, 6]}),
    "grouped, inputs differ": (DATA + conv("a", "data") + conv("b", "a", 8, "group: 2") + conv("z", "b", 4), {"a": [0, 1, 2, 4]}),
    "grouped, outputs differ": (DATA + conv("a", "data") + conv("b", "a", 9, "group: 3") + conv("z", "b", 4),
                                {"b": [0, 1, 2, 3, 8]}),
    "grouped, a group gone": (DATA + conv("a", "data") + conv("b", "a", 9, "group: 3") + conv("z", "b", 4),
                              {"a": [0, 1, 4, 5], "b": [0, 1, 6, 7]}),
    "grouped, outputs of a group gone": (DATA + conv("a", "data") + conv("b", "a", 9, "group: 3") + conv("z", "b", 4),
                                         {"b": [0, 1, 6, 7, 8]}),
    "grouped, one group left": (DATA + conv("a", "data") + conv("b", "a", 8, "group: 2") + conv("z", "b", 4),
                                {"a": [3, 5], "b": [4, 5, 7]}),
    "grouped, one group left of two read": (DATA + conv("a", "data") + conv("b", "a", 8, "group: 2") + conv("z", "b", 4),
                                            {"b": [4, 5, 7]}),
    "depthwise": (DATA + conv("a", "data") + conv("b", "a", 6, "group: 6") + conv("z", "b", 4), {"a": A}),
    "depthwise, two outputs each": (DATA + conv("a", "data") + conv("b", "a", 12, "group: 6") + conv("z", "b", 4), {"a": A}),
    "depthwise to one": (DATA + conv("a", "data") + conv("b", "a", 6, "group: 6") + conv("z", "b", 4), {"b": [3]}),
    "ConvolutionDepthwise": (DATA + conv("a", "data") + conv("b", "a", 6, type="ConvolutionDepthwise") + conv("z", "b", 4),
                             {"a": A}),
    "Deconvolution": (DATA + conv("a", "data") + conv("b", "a", 5, type="Deconvolution") + conv("z", "b", 4), {"a": A, "b": B}),
    "Deconvolution, grouped": (DATA + conv("a", "data") + conv("b", "a", 8, "group: 2", type="Deconvolution")
                               + conv("z", "b", 4), {"a": [1, 2, 3, 4], "b": [0, 1, 4, 5]}),
    "Deconvolution, split": (DATA + conv("a", "data") + conv("b", "a", 8, "group: 2", type="Deconvolution")
                             + conv("z", "b", 4), {"a": [1, 2, 3], "b": [0, 1, 4, 5, 6]}),
    "Deconvolution, depthwise": (DATA + conv("a", "data") + conv("b", "a", 6, "group: 6", type="Deconvolution")
                                 + conv("z", "b", 4), {"a": A}),
    "Convolution of two bottoms": (DATA + conv("a", "data") + conv("b", "data") + layer(
        "Convolution", "a b", "c d", "convolution_param { num_output: 5 kernel_size: 1 }") + layer("Concat", "c d", "m")
        + conv("z", "m", 4), {"a": A, "c": B}),
    "shared weights": (DATA + conv("a", "data") + "".join(
        layer("Convolution", bottom, top, 'param { name: "w" } param { name: "v" } convolution_param { num_output: 6 '
              'kernel_size: 1 }') for bottom, top in (("a", "b"), ("b", "c"))) + conv("z", "c", 4), {"b": A}),
    "squeeze and excite": (DATA + conv("a", "data") + layer("Pooling", "a", "p", "pooling_param { pool: AVE global_pooling: "
                           "true }") + fc("s", "p", 3) + fc("t", "s", 6) + layer("Sigmoid", "t", "t")
                           + layer("Scale", "a t", "m", "scale_param { axis: 0 bias_term: true }") + conv("z", "m", 4), {"a": A, "s": [1]}),
    "SPP": (DATA + conv("a", "data") + layer("SPP", "a", "s", "spp_param { pyramid_height: 2 }") + fc("z", "s"), {"a": A}),
    "Tile": (between(layer("Tile", "a", "m", "tile_param { tiles: 2 }")), {"a": A}),
    "Tile of rows": (between(layer("Tile", "a", "m", "tile_param { axis: 2 tiles: 2 }")), {"a": A}),
    "Crop": (DATA + conv("a", "data") + conv("b", "data", 5, "stride: 2") + layer("Crop", "a b", "m") + conv("y", "b", 4)
             + conv("z", "m", 4), {"a": A, "b": B}),
    "Split": (between(layer("Split", "a", "b c"), layer("Eltwise", "b c", "m")), {"a": A}),
    "Axpy": (DATA + conv("a", "data") + conv("b", "data") + layer("Pooling", "a", "p", "pooling_param { pool: AVE "
             "global_pooling: true }") + layer("Axpy", "p a b", "m") + conv("z", "m", 4), {"b": A}),
    "Upsample by a mask": (between(layer("Pooling", "a", "p k", "pooling_param { kernel_size: 2 stride: 2 }"),
                                   layer("Upsample", "p k", "m", "upsample_param { scale: 2 }")), {"a": A}),
    "Interp": (between(layer("Interp", "a", "m", "interp_param { zoom_factor: 2 }")), {"a": A}),
    "PriorBox reads sizes": (between(layer("ReLU", "a", "m"), layer("PriorBox", "m data", "priors",
                             "prior_box_param { min_size: 3 }")), {"a": A}),
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
        np.testing.assert_allclose(value, want[name], rtol=1e-4, atol=1e-4)


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
    assert [node.type for node in small.layers] == ["Input", "Convolution", "Slice", "Convolution", "Convolution", "Silence",
                                                    "Concat", "Convolution"]
    assert small.outputs == ["z"]
    small.save(tmp_path / "p", tmp_path / "w")
    assert srt.load(tmp_path / "p", tmp_path / "w", dialect="bvlc").outputs == ["z"]


def test_regions_pass_channels():
    text = DATA + input_layer("rois", 4, 5) + conv("a", "data") + layer(
        "ROIPooling", "a rois", "m", "roi_pooling_param { pooled_h: 2 pooled_w: 2 spatial_scale: 1 }") + fc("z", "m")
    whole = randomize(graph(text))
    inputs = [feeds(whole)[0], np.array([[i % 2, 0, 0, 7, 6] for i in range(4)], np.float32)]
    coupling = couple(whole)
    gone = choose(coupling, keep={"a": A})
    want = masked_run(whole, {name: gone[classes] for name, classes in coupling.makers.items()}, inputs)
    np.testing.assert_allclose(run(remove(coupling, gone), inputs)["z"], want["z"], rtol=1e-5, atol=1e-5)


# name -> (net, layer that cannot lose nodes, words of the reason)
HELD = {
    "output": (DATA + conv("z", "data"), "z", "output 'z'"),
    "LRN across": (between(layer("LRN", "a", "m")), "a", "LRN across channels"),
    "Permute": (between(layer("Permute", "a", "m", "permute_param { order: 0 order: 2 order: 1 order: 3 }")), "a",
                "'m', Permute"),
    "ShuffleChannel": (between(layer("ShuffleChannel", "a", "m", "shuffle_channel_param { group: 2 }")), "a",
                       "ShuffleChannel"),
    "Softmax over channels": (between(layer("Softmax", "a", "m")), "a", "Softmax"),
    "Eltwise with the input": (DATA + conv("a", "data", 3) + layer("Eltwise", "a data", "m") + conv("z", "m", 4), "a",
                               "'data', Input"),
    "Reshape to groups": (between(layer("Reshape", "a", "m", "reshape_param { shape { dim: 0 dim: 3 dim: -1 dim: 8 } }")), "a",
                          "Reshape"),
    "batch joined": (DATA + conv("a", "data") + layer("Reshape", "a", "m", "reshape_param { shape { dim: -1 dim: 8 } }")
                     + fc("z", "m"), "a", "Reshape"),
    "shared under another shape": (
        DATA + conv("a", "data") + layer("Convolution", "a", "b", 'param { name: "w" } convolution_param { num_output: 6 '
        'kernel_size: 3 pad: 1 bias_term: false }') + layer("Flatten", "b", "f", "flatten_param { axis: 2 }")
        + layer("InnerProduct", "f", "g", "inner_product_param { num_output: 54 }")
        + layer("InnerProduct", "g", "z", 'param { name: "w" share_mode: PERMISSIVE } inner_product_param { num_output: 1 '
                'bias_term: false }'), "b", "another shape"),
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
    net = Net(graph(between(layer("Dropout", "a", "m", "dropout_param { dropout_ratio: 0.6 }"))))
    small = srt.prune(net, "nodes", keep={"a": 2})
    assert small.layers[2].layer.ratio == pytest.approx(0.2) and net.layers[2].layer.ratio == pytest.approx(0.6)


def test_other_input_shapes_stay():
    net = Net(graph(DATA + conv("a", "data") + conv("z", "a", 4)))
    net.reshape(data=(1, 3, 5, 5))
    assert srt.prune(net, "nodes", keep={"a": 2}).blobs["z"].shape == (1, 4, 5, 5)
