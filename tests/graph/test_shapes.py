"""Shapes, limits, deferral, parameters."""

import numpy as np
import pytest

from scalpel_rt.errors import GraphError, LimitError, ShapeError
from scalpel_rt.graph import build, reshape
from scalpel_rt.options import Limits

from .nets import LENET, graph, input_layer, layer, message

IP = 'inner_product_param { num_output: 3 }'


def shapes(net):
    return {name: blob.shape for name, blob in net.final_blobs().items()}


def test_shapes_of_a_net():
    net = graph(LENET)
    assert shapes(net) == {"data": (2, 1, 12, 12), "conv1": (2, 4, 10, 10), "pool1": (2, 4, 5, 5), "ip1": (2, 5),
                           "prob": (2, 5)}
    assert [p.shape for node in net.nodes for p in node.params] == [(4, 1, 3, 3), (4,), (5, 100), (5,)]


def test_reshape_shares_layers_and_parameters():
    net = graph(LENET)
    other = reshape(net, {"data": (7, 1, 12, 12)})
    assert shapes(other)["prob"] == (7, 5) and shapes(net)["prob"] == (2, 5)
    assert all(a.layer is b.layer and a.params == b.params for a, b in zip(net.nodes, other.nodes, strict=True))


def test_reshape_that_would_need_other_weights():
    net = graph(LENET)
    with pytest.raises(ShapeError, match=r"'ip1'.*\(5, 144\).*\(5, 100\)"):
        reshape(net, {"data": (2, 1, 14, 14)})
    with pytest.raises(ShapeError, match="'conv1'"):
        reshape(net, {"data": (2, 3, 12, 12)})


@pytest.mark.parametrize("given, error, text", [
    ({"nope": (1,)}, GraphError, "no input 'nope'; its inputs are data"),
    ({"data": (1, -1, 12, 12)}, ShapeError, r"\(1, -1, 12, 12\)"),
    ({"data": 3}, ShapeError, "3"), ({"data": (1, 2, 3)}, ShapeError, r"conv1.*\(1, 2, 3\)")])
def test_reshape_to_nonsense(given, error, text):
    with pytest.raises(error, match=text):
        reshape(graph(LENET), given)


def test_unknown_input_defers_everything_behind_it():
    net = graph('layer { name: "x" type: "Input" top: "x" }' + input_layer("k", 2, 3) + layer("ReLU", "k", "kr")
                + layer("InnerProduct", "x", "y", IP))
    assert shapes(net) == {"x": None, "k": (2, 3), "kr": (2, 3), "y": None}
    assert not net.ready and net.nodes[3].params == ()
    known = reshape(net, {"x": (2, 4)})
    assert known.ready and [p.shape for p in known.nodes[3].params] == [(3, 4), (3,)]


def test_zero_in_an_input_is_unknown():
    net = graph(input_layer("x", 0, 3) + layer("ReLU", "x", "y"))
    assert not net.ready
    assert shapes(reshape(net, {"x": (5, 3)}))["y"] == (5, 3)


@pytest.mark.parametrize("dims", [(2**31,), (65536, 65536), (2**40, 2**40), (2**62, 4, 4)])
def test_too_many_elements(dims):
    with pytest.raises(LimitError, match="'x'.*max_elements"):
        graph(input_layer("x", *dims))


def test_too_many_bytes_together():
    text = input_layer("x", 2**28) + "".join(layer("Power", "x", f"y{i}") for i in range(40))
    with pytest.raises(LimitError, match="max_bytes"):
        graph(text)
    with pytest.raises(LimitError, match="'y'.*max_bytes = 90"):
        graph(input_layer("x", 2, 3) + layer("InnerProduct", "x", "y", IP), limits=Limits(max_bytes=90))


def test_huge_parameters_take_no_memory():
    text = input_layer("x", 1, 2**20) + layer("InnerProduct", "x", "y", IP.replace("3", "2000000000"))
    with pytest.raises(LimitError, match="'y'"):
        graph(text)
    half = input_layer("x", 1, 2**14) + layer("InnerProduct", "x", "y", IP.replace("3", "131071"))
    net = graph(half)       # 8 GiB of weights, which nobody asks for
    assert not net.nodes[1].params[0].loaded


def test_too_many_layers():
    with pytest.raises(LimitError, match="6 layers.*max_layers = 5"):
        graph(LENET, limits=Limits(max_layers=5))


def test_too_many_axes():
    with pytest.raises(ShapeError, match="33 axes"):
        graph(input_layer("x", *[1] * 33))


def test_negative_input():
    with pytest.raises(ShapeError, match="-4"):
        graph(input_layer("x", 2, -4))


def test_params_are_filled_when_asked_and_the_same_in_any_order():
    first, second = graph(LENET), graph(LENET)
    assert not any(p.loaded for node in first.nodes for p in node.params)
    a = [p.array for node in first.nodes for p in node.params]
    b = [p.array for node in reversed(second.nodes) for p in reversed(node.params)][::-1]
    for x, y in zip(a, b, strict=True):
        np.testing.assert_array_equal(x, y)
    assert (a[3] == 0.5).all() and a[0].std() > 0
    other = [p.array for node in build(message(LENET), seed=1).nodes for p in node.params]
    assert (other[0] != a[0]).any()


def test_too_many_param_entries():
    with pytest.raises(GraphError, match="'y'.*1 param.*ReLU has 0"):
        graph(input_layer("x", 2) + layer("ReLU", "x", "y", "param { lr_mult: 1 }"))


def shared(more_a, more_b, a=(2, 4), b=(2, 4), out=3):
    ip = f"inner_product_param {{ num_output: {out} bias_term: false }}"
    return (input_layer("a", *a) + input_layer("b", *b)
            + layer("InnerProduct", "a", "ya", f"inner_product_param {{ num_output: 3 bias_term: false "
                    f"weight_filler {{ type: \"constant\" value: 2 }} }} param {{ name: \"w\" {more_a} }}")
            + layer("InnerProduct", "b", "yb", f"{ip} param {{ name: \"w\" {more_b} }}"))


def test_shared_parameters_are_one():
    net = graph(shared("", ""))
    assert net.nodes[2].params[0] is net.nodes[3].params[0]
    assert (net.nodes[3].params[0].array == 2).all()       # the first owner's filler


def test_shared_strictly_wants_one_shape():
    with pytest.raises(ShapeError, match=r"'yb'.*'w'.*'ya'.*\(3, 5\).*\(3, 4\)"):
        graph(shared("", "", b=(2, 5)))
    with pytest.raises(ShapeError, match=r"\(4, 3\).*\(3, 4\)"):
        graph(shared("share_mode: PERMISSIVE", "", b=(2, 3), out=4))    # the mode of the one that shares counts
    with pytest.raises(ShapeError, match="same count"):
        graph(shared("", "share_mode: PERMISSIVE", b=(2, 5)))


def test_shared_permissively_is_a_view():
    net = graph(shared("", "share_mode: PERMISSIVE", b=(2, 3), out=4))
    one, other = net.nodes[2].params[0], net.nodes[3].params[0]
    assert other.shape == (4, 3) and not other.loaded
    assert np.shares_memory(one.array, other.array)
    other.array = np.arange(12, dtype=np.float32).reshape(4, 3)
    np.testing.assert_array_equal(one.array.ravel(), np.arange(12))
    again = reshape(net, {"a": (5, 4)})
    assert again.nodes[3].params[0].owner is again.nodes[2].params[0]


def test_names_are_shared_within_a_layer_too():
    text = input_layer("x", 3, 3) + layer("InnerProduct", "x", "y", f'{IP} param {{ name: "w" }} param {{ name: "w" }}')
    with pytest.raises(ShapeError, match=r"\(3,\).*\(3, 3\)"):
        graph(text)


def test_bad_array_for_a_param():
    param = graph(LENET).nodes[1].params[0]
    with pytest.raises(ShapeError):
        param.array = np.zeros((4, 1, 3, 4), np.float32)
    with pytest.raises(ShapeError):
        param.array = np.zeros((4, 1, 3, 3))
