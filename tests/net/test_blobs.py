"""net.blobs: every blob on request."""

import numpy as np
import pytest

import scalpel_rt as srt
from scalpel_rt.errors import DataError
from tests.graph.nets import LENET, input_layer, layer

from .test_net import DOUBLE, net

CHAIN = input_layer("x", 2) + "".join(
    layer("Power", bottom, top, "power_param { shift: 1 }", name=f"l{i}")
    for i, (bottom, top) in enumerate([("x", "a"), ("a", "b"), ("b", "b"), ("b", "c")]))


def test_names_in_the_order_of_the_file():
    n = net(CHAIN)
    assert list(n.blobs) == ["x", "a", "b", "c"] and len(n.blobs) == 4 and "b" in n.blobs and "q" not in n.blobs
    with pytest.raises(KeyError):
        n.blobs["q"]


def test_inner_blobs_after_a_forward():
    n = net(CHAIN)
    for value in (0, 5):
        n.forward(x=[value, value])
        assert [float(n.blobs[name].data[0]) for name in n.blobs] == [value, value + 1, value + 3, value + 4]


def test_zeros_before_the_first_forward():
    np.testing.assert_array_equal(net(CHAIN).blobs["c"].data, [0, 0])


def test_asking_late_shows_the_forward_that_was():
    """Reading a blob that no plan kept runs again, with the inputs as they were then."""
    n = net(CHAIN)
    held = n.blobs["x"].data
    n.forward(x=[1, 1])
    held[:] = 100
    assert n.blobs["a"].data[0] == 2
    assert n.forward()["c"][0] == 104
    assert n.blobs["a"].data[0] == 101


def test_what_was_asked_for_is_kept_from_then_on():
    n = net(CHAIN)
    n.forward(x=[1, 1])
    runs = []
    node = n.layers[1].layer
    original = node.forward
    node.forward = lambda *args: runs.append(1) or original(*args)
    lowered = node.lower
    node.lower = lambda *args: runs.append(1) or lowered(*args)
    assert n.blobs["a"].data[0] == 2    # may run the net again
    n.forward(x=[2, 2])     # may plan anew
    runs.clear()
    assert n.forward(x=[3, 3])["c"][0] == 7
    once = len(runs)
    assert n.blobs["a"].data[0] == 4
    assert len(runs) == once


def test_blobs_stay_as_they_are_when_the_net_runs_on():
    n = net(CHAIN)
    n.forward(x=[1, 1])
    a = n.blobs["a"].data
    n.forward(x=[2, 2])
    assert a[0] == 2 and n.blobs["a"].data[0] == 3


def test_inputs_can_be_written():
    n = net(DOUBLE)
    n.blobs["x"].data[...] = 3
    assert (n.forward()["y"] == 6).all()
    n.blobs["x"].data[0] = 4
    np.testing.assert_array_equal(n.forward()["y"][:, 0], [8, 6])
    n.blobs["x"].data = np.ones((2, 3))
    assert (n.forward()["y"] == 2).all()
    n.blobs["x"].data += 1
    assert (n.forward()["y"] == 4).all()


def test_inputs_can_be_written_while_held():
    n = net(DOUBLE)
    x = n.blobs["x"].data
    for value in (1, 2, 3):
        x[...] = value
        assert (n.forward()["y"] == 2 * value).all()


def test_inputs_can_be_reshaped():
    n = net(DOUBLE)
    n.blobs["x"].reshape(4, 5)
    assert n.blobs["y"].shape == (4, 5)
    n.blobs["x"].reshape((1, 2))
    assert n.blobs["x"].data.shape == (1, 2)


IN_PLACE = input_layer("x", 2) + layer("Power", "x", "x", "power_param { scale: 2 shift: 1 }", name="p") \
    + layer("Power", "x", "y", "power_param { scale: 10 }")


def test_an_input_rewritten_in_place_shows_its_end():
    n = net(IN_PLACE)
    assert n.forward(x=[1, 2])["y"][0] == 30
    np.testing.assert_array_equal(n.blobs["x"].data, [3, 5])


def test_an_input_rewritten_in_place_starts_again_from_what_was_fed():
    """Caffe would start from what the last forward left there: 3, 7, 15, ..."""
    n = net(IN_PLACE)
    n.forward(x=[1, 2])
    for _ in range(3):
        assert n.forward()["y"][0] == 30
        assert n.blobs["x"].data[0] == 3


def test_an_input_rewritten_in_place_can_be_written():
    n = net(IN_PLACE)
    n.blobs["x"].data[...] = 1
    assert n.forward()["y"][0] == 30
    n.blobs["x"].data[...] = 2      # what it shows is 3, the end of the last forward
    assert n.forward()["y"][0] == 50
    n.blobs["x"].data[...] = 7
    assert n.forward(x=[1, 1])["y"][0] == 30


def test_blobs_are_arrays():
    n = net(DOUBLE)
    n.forward(x=np.ones((2, 3)))
    np.testing.assert_array_equal(np.asarray(n.blobs["y"]), np.full((2, 3), 2))
    assert np.asarray(n.blobs["y"], np.float64).dtype == np.float64
    assert np.add(n.blobs["y"], 1).sum() == 18


def test_names_of_caffes_splits():
    n = net(input_layer("x", 2) + layer("Power", "x", "y", name="p") + layer("ReLU", "y", "a")
            + layer("TanH", "y", "b"))
    n.forward(x=[1, 2])
    np.testing.assert_array_equal(n.blobs["y_p_0_split_1"].data, [1, 2])
    assert "y_p_0_split_1" not in list(n.blobs)


def test_dynamic_shapes():
    n = net(input_layer("x", 4, 2) + input_layer("s", 4, 1) + layer("Filter", "x s", "f") + layer("Power", "f", "y"))
    assert n.blobs["f"].shape == (4, 2)
    for keep in ([1, 0, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]):
        out = n.forward(x=np.arange(8).reshape(4, 2), s=np.reshape(keep, (4, 1)))
        assert out["y"].shape == (sum(keep), 2) and n.blobs["f"].data.shape == (sum(keep), 2)


def test_a_scalar_blob_has_no_axes():
    n = net(input_layer("x", 2) + input_layer("t", 2) + layer("EuclideanLoss", "x t", "l"))
    out = n.forward(x=[1, 1], t=[0, 0])
    assert out["l"].shape == () and n.blobs["l"].data.shape == () and out["l"] == 0.5


def test_stateful_nets_are_not_run_again_to_show_a_blob():
    text = input_layer("x", 1, 1, 1) + input_layer("cont", 1, 1) + layer("Power", "x", "p") + layer(
        "LSTM", "p cont", "h", 'recurrent_param { num_output: 2 weight_filler { type: "gaussian" } }')
    one, other = net(text), net(text)
    for _ in range(3):
        a, b = (n.forward(x=[[[1]]], cont=[[1]])["h"] for n in (one, other))
        assert float(one.blobs["p"].data.ravel()[0]) == 1
    np.testing.assert_array_equal(a, b)


def test_blobs_of_a_real_net():
    n = net(LENET)
    x = np.random.default_rng(1).random((2, 1, 12, 12), np.float32)
    out = n.forward(data=x)
    assert (n.blobs["ip1"].data >= 0).all()
    np.testing.assert_array_equal(n.blobs["prob"].data, out["prob"])
    conv = n.blobs["conv1"].data
    w, b = (p.data for p in n.params["conv1"])
    np.testing.assert_allclose(conv[1, 2, 3, 4], (x[1, 0, 3:6, 4:7] * w[2, 0]).sum() + b[2], rtol=1e-4)


def test_views_have_words():
    n = net(DOUBLE)
    assert repr(n.blobs["y"]) == "<blob (2, 3)>" and "'y'" in repr(n.blobs)
    assert isinstance(n, srt.Net)


def test_asking_late_shows_the_forward_that_was_though_the_input_was_taken_after_it():
    n = net(CHAIN)
    n.forward(x=[1, 1])
    n.blobs["x"].data[:] = 100
    assert n.blobs["a"].data[0] == 2


SCALED = input_layer("x", 2) + layer("Scale", "x", "s", 'scale_param { axis: 0 filler { value: 3 } }', name="scale") \
    + layer("Power", "s", "y", "power_param { shift: 1 }", name="shift")


def test_asking_late_is_refused_once_the_weights_are_others():
    """What such a blob held is gone: the run that would bring it back would see the new weights."""
    n = net(SCALED)
    n.forward(x=[1, 1])
    n.params["scale"][0].data[:] = 5
    with pytest.raises(DataError, match="'s'.*forward"):
        n.blobs["s"].data  # noqa: B018
    assert n.forward()["y"][0] == 6
    assert n.blobs["s"].data[0] == 5
