"""Weights from files and from the prototxt itself."""

import numpy as np
import pytest

from scalpel_rt.caffe import Blob, LayerWeights, Weights
from scalpel_rt.errors import WeightsError
from scalpel_rt.graph import build, reshape
from scalpel_rt.graph.weights import copy_weights, inline_blob, shapes_match

from .nets import graph, input_layer, layer, message

X = input_layer("x", 1, 2)
IP = "inner_product_param { num_output: 3 }"
NET = X + layer("InnerProduct", "x", "y", IP, name="fc")


def blob(*shape, legacy=False, value=None):
    n = int(np.prod(shape))
    return Blob(shape, legacy, np.arange(n, dtype=np.float32) if value is None else np.full(n, value, np.float32))


def file_of(*layers, kind="binary"):
    return Weights("w.file", kind, "V2", [LayerWeights(name, "", list(blobs)) for name, *blobs in layers])


def values(net, name="fc", i=0):
    return next(node for node in net.nodes if node.name == name).params[i].array


def test_values_are_views_and_not_copied():
    source = file_of(("fc", blob(3, 2), blob(3)))
    net = graph(NET, weights=source)
    np.testing.assert_array_equal(values(net), [[0, 1], [2, 3], [4, 5]])
    assert np.shares_memory(values(net), source.layers[0].blobs[0].array)


def test_layers_that_only_one_side_has():
    net = graph(NET)
    assert copy_weights(net, file_of(("other", blob(7)), ("no_blobs",))) == ["other"]
    assert not net.nodes[1].params[0].loaded


@pytest.mark.parametrize("blobs, text", [
    ((), "hold 0 blob.*InnerProduct has 2"), ((blob(3, 2),), "hold 1 blob.*has 2"),
    ((blob(3, 2), blob(3), blob(1)), "hold 3 blob"), ((blob(2, 3), blob(3)), r"blob 0.*\(2, 3\).*\(3, 2\)"),
    ((blob(1, 1, 3, 2), blob(3)), r"\(1, 1, 3, 2\)"),
    ((Blob((3, 2), False, np.zeros(5, np.float32)), blob(3)), r"5 values.*\(3, 2\) holds 6"),
    ((Blob((3, 2), False, np.zeros(0, np.float32)), blob(3)), "0 values")])
def test_mismatch(blobs, text):
    with pytest.raises(WeightsError, match=f"w.file: layer 'fc'.*{text}"):
        graph(NET, weights=file_of(("fc", *blobs)))


def test_a_mismatch_leaves_the_layer_whole():
    net = graph(NET)
    with pytest.raises(WeightsError):
        copy_weights(net, file_of(("fc", blob(3, 2), blob(4))))
    assert not net.nodes[1].params[0].loaded


@pytest.mark.parametrize("have, want, match", [
    ((1, 1, 3, 2), (3, 2), True), ((1, 1, 1, 3), (3,), True), ((1, 1, 1, 1), (), True), ((3, 2, 1, 1), (3, 2), False),
    ((2, 3, 4, 5), (2, 3, 4, 5), True), ((1, 2, 3, 4), (1, 1, 2, 3, 4), False), ((0, 0, 3, 2), (3, 2), False)])
def test_legacy_shapes(have, want, match):
    assert shapes_match(Blob(have, True, None), want) is match


def test_legacy_weights_load():
    net = graph(NET, weights=file_of(("fc", blob(1, 1, 3, 2, legacy=True), blob(1, 1, 1, 3, legacy=True))))
    assert values(net).shape == (3, 2) and values(net, i=1).shape == (3,)


def test_equal_names_in_the_net():
    """Binary files fill the first of them, HDF5 the last."""
    text = X + layer("InnerProduct", "x", "y1", IP, name="fc") + layer("InnerProduct", "x", "y2", IP, name="fc")
    for kind, filled in (("binary", 1), ("hdf5", 2)):
        net = graph(text, weights=file_of(("fc", blob(3, 2), blob(3)), kind=kind))
        assert [node.params[0].loaded for node in net.nodes[1:]] == [filled == 1, filled == 2]


def test_equal_names_in_the_file():
    net = graph(NET, weights=file_of(("fc", blob(3, 2, value=1), blob(3)), ("fc", blob(3, 2, value=2), blob(3))))
    assert (values(net) == 2).all()


SHARED = X + "".join(layer("InnerProduct", "x", f"y{i}", f'{IP} param {{ name: "w" }} param {{ name: "b{i}" }}',
                           name=f"fc{i}") for i in (1, 2))


def test_of_shared_weights_the_last_in_the_file_wins():
    one, two = ("fc1", blob(3, 2, value=1), blob(3)), ("fc2", blob(3, 2, value=2), blob(3))
    assert (values(graph(SHARED, weights=file_of(one, two)), "fc1") == 2).all()
    assert (values(graph(SHARED, weights=file_of(two, one)), "fc2") == 1).all()


def test_hdf5_may_leave_out_what_another_layer_owns():
    owner = ("fc1", blob(3, 2, value=1), blob(3))
    net = graph(SHARED, weights=file_of(owner, ("fc2", None, blob(3, value=7)), kind="hdf5"))
    assert (values(net, "fc2") == 1).all() and (values(net, "fc2", 1) == 7).all()
    with pytest.raises(WeightsError, match="'fc1'.*lack blob 0 of 2"):
        graph(SHARED, weights=file_of(("fc1", None, blob(3)), kind="hdf5"))
    with pytest.raises(WeightsError, match="'fc2'.*lack blob 1 of 2"):
        graph(SHARED, weights=file_of(owner, ("fc2",), kind="hdf5"))


def test_inline_blobs_come_before_the_files():
    text = X + layer("InnerProduct", "x", "y", IP + " blobs { shape { dim: 3 dim: 2 } data: [1, 2, 3, 4, 5, 6] } "
                     "blobs { num: 1 channels: 1 height: 1 width: 3 double_data: [7, 8, 9] }", name="fc")
    np.testing.assert_array_equal(values(graph(text)), [[1, 2], [3, 4], [5, 6]])
    np.testing.assert_array_equal(values(graph(text), i=1), [7, 8, 9])
    assert (values(graph(text, weights=file_of(("fc", blob(3, 2, value=1), blob(3))))) == 1).all()
    with pytest.raises(WeightsError, match="'y'.*1 blob"):
        graph(X + layer("InnerProduct", "x", "y", IP + " blobs { shape { dim: 3 dim: 2 } }"))


def test_a_blob_without_values_has_none():
    made = inline_blob(message('layer { blobs { shape { dim: 2 } } }').layer[0].blobs[0])
    assert made.shape == (2,) and made.array.size == 0 and made.array.dtype == np.float32


def test_weights_wait_for_shapes():
    text = 'layer { name: "x" type: "Input" top: "x" }' + layer("InnerProduct", "x", "y", IP, name="fc")
    source = file_of(("fc", blob(3, 2), blob(3)))
    net = build(message(text), weights=source)
    assert net.nodes[1].params == ()
    assert (values(reshape(net, {"x": (4, 2)}, weights=source), i=1) == [0, 1, 2]).all()
    with pytest.raises(WeightsError, match=r"\(3, 2\).*\(3, 5\)"):
        reshape(net, {"x": (4, 5)}, weights=source)
