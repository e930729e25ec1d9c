"""Forward: blobs are one memory from run to run, and parts of a net run from what is in it."""

import numpy as np
import pytest

import scalpel_rt as srt
import scalpel_rt.pycaffe as caffe
from scalpel_rt.errors import DataError, ShapeError

from .nets import input_layer, make  # noqa: F401

RNG = np.random.RandomState(0)
X, Y = (RNG.rand(2, 3, 8, 8).astype(np.float32) - 0.5 for _ in range(2))


@pytest.fixture
def net(make):  # noqa: F811
    return make()


@pytest.fixture
def judge(tmp_path, net):
    """judge(x, params=None): {blob: array} of the net on x, worked out by the native Net."""
    def values(x, name=None):
        native = srt.load(tmp_path / "net.prototxt")
        native.options = srt.Options(isa="scalar")
        for layer, blobs in net.params.items():
            for i, blob in enumerate(blobs):
                native.params[layer][i].data = blob.data
        native.forward(data=x)
        return {blob: native.blobs[blob].data.copy() for blob in native.blobs}
    return values


def same(net, want, names=None):
    for name in names or want:
        np.testing.assert_allclose(net.blobs[name].data, want[name], rtol=1e-4, atol=1e-6, err_msg=name)


def test_data_written_to_a_blob_is_what_runs(net, judge):
    net.blobs["data"].data[...] = X
    out = net.forward()
    assert list(out) == ["prob"]
    same(net, judge(X))
    assert np.shares_memory(out["prob"], net.blobs["prob"].data)


def test_arrays_that_are_held_follow_every_forward(net, judge):
    held = {name: blob.data for name, blob in net.blobs.items()}
    first = net.forward(data=X)["prob"]
    kept = first.copy()
    net.forward(data=Y)
    for name, want in judge(Y).items():
        np.testing.assert_allclose(held[name], want, rtol=1e-4, atol=1e-6)
        assert np.shares_memory(held[name], net.blobs[name].data)
    np.testing.assert_array_equal(first, net.blobs["prob"].data)
    assert not np.array_equal(first, kept)


def test_a_slice_of_a_held_array_follows_too(net, judge):
    row = net.blobs["fc"].data[1, 2:]
    net.forward(data=X)
    net.forward(data=Y)
    np.testing.assert_allclose(row, judge(Y)["fc"][1, 2:], rtol=1e-4, atol=1e-6)


def test_what_nobody_asked_for_is_there_later(net, judge):
    net.forward(data=X)
    net.forward(data=Y)
    net.blobs["data"].data[...] = 7     # what comes next must not show in what was
    same(net, judge(Y), ["conv", "sum", "pool", "double", "fc"])
    same(net, judge(Y), ["conv"])
    assert (net.blobs["data"].data == 7).all()


def test_weights_written_after_a_forward_do_not_change_what_it_gave(net, judge):
    want = judge(X)
    net.forward(data=X)
    net.params["conv"][0].data[...] = 0
    same(net, want, ["conv", "pool", "fc"])
    weights = net.params["conv"][0].data
    weights[...] = 0.25
    net.forward()
    weights[...] = 0        # held all along
    want = judge(X)
    weights[...] = 0.25
    assert not np.allclose(net.blobs["conv"].data, want["conv"])
    same(net, judge(X), ["conv", "fc"])


def test_weights_written_count_from_the_next_forward(net, judge):
    net.forward(data=X)
    for change in range(3):
        net.params["fc"][0].data[change] = 0
        net.params["fc"][1].data[change] = change
        net.forward()
        same(net, judge(X))
    bias = net.params["fc"][1].data
    for value in (5, 6):
        bias[:] = [value, 0, 0, 0, 0]
        net.forward(data=0 * X)
        same(net, judge(0 * X))


def test_forward_to_a_layer_and_on_from_there(net, judge):
    want = judge(X)
    net.blobs["data"].data[...] = X
    out = net.forward(end="pool")
    assert list(out) == ["pool"]
    same(net, want, ["conv", "pool"])
    assert not net.blobs["prob"].data.any()     # nothing ran
    out = net.forward(start="pool_pool_0_split", end="sum", blobs=["double", "conv"])
    assert set(out) == {"sum", "double", "conv"}
    same(net, want, ["sum", "double", "conv"])
    out = net.forward(start="fc")
    assert list(out) == ["prob"]
    same(net, want)


def test_a_blob_written_in_between_is_what_the_rest_sees(net, judge):
    net.blobs["data"].data[...] = X
    net.forward()
    net.blobs["sum"].data[...] = 0
    net.forward(start="fc")
    np.testing.assert_allclose(net.blobs["prob"].data, np.full((2, 5), 0.2), rtol=1e-6)
    same(net, judge(X), ["conv", "pool", "double"])      # from the forward before
    net.blobs["pool_pool_0_split_1"].data[...] = 1       # the memory of pool, under the name of its copy
    net.forward(start="double", end="double")
    assert (net.blobs["double"].data == 2).all() and (net.blobs["pool"].data == 1).all()


def test_an_in_place_layer_alone_works_on_the_memory(net, judge):
    net.blobs["conv"].data[...] = -1
    net.forward(start="relu", end="relu")
    assert not net.blobs["conv"].data.any()
    net.blobs["data"].data[...] = X
    net.forward(end="conv")
    assert (net.blobs["conv"].data < 0).any()
    before = net.blobs["conv"].data.copy()
    net.forward(start="relu", end="relu")
    np.testing.assert_array_equal(net.blobs["conv"].data, np.maximum(before, 0))


def test_parts_are_run_anew_with_other_shapes_and_weights(net, judge):
    net.blobs["sum"].reshape(7, 4, 3, 3)
    net.blobs["sum"].data[...] = 1
    assert net.forward(start="fc")["prob"].shape == (7, 5)
    net.params["fc"][0].data[...] = 0
    net.params["fc"][1].data[:] = [1e3, 0, 0, 0, 0]
    np.testing.assert_array_equal(net.forward(start="fc")["prob"][6], [1, 0, 0, 0, 0])
    net.forward(data=X)
    assert net.blobs["prob"].shape == (2, 5)
    same(net, judge(X))


def test_layers_one_by_one_with_callbacks(net, judge):
    seen = []
    net.before_forward(lambda i: seen.append(("before", i)))
    net.after_forward(lambda i: seen.append(("after", i, bool(net.blobs["prob"].data.any()))))
    net.forward(data=X)
    assert [call[:2] for call in seen] == [(when, i) for i in range(9) for when in ("before", "after")]
    assert [call[2] for call in seen if call[0] == "after"] == [False] * 8 + [True]
    same(net, judge(X))


def test_reshape(net, judge):
    net.blobs["data"].reshape(5, 3, 8, 8)
    assert net.blobs["fc"].shape == (2, 5)      # only the input, until
    net.reshape()
    assert net.blobs["fc"].shape == (5, 5) and net.blobs["pool_pool_0_split_0"].shape == (5, 4, 3, 3)
    x = np.random.RandomState(1).rand(5, 3, 8, 8)
    net.blobs["data"].data[...] = x
    net.forward()
    np.testing.assert_allclose(net.blobs["prob"].data[:2], net.forward_all(data=x[:2])["prob"], rtol=1e-5)
    net.blobs["data"].reshape(2, 3, 8, 8)
    net.blobs["data"].data[...] = X
    net.forward()       # forward alone is enough
    same(net, judge(X))
    net.blobs["data"].reshape(2, 3, 9, 9)
    with pytest.raises(ShapeError, match="fc"):
        net.forward()
    net.blobs["data"].reshape(2, 3, 8, 8)
    net.forward()


def test_forward_all(net, judge):
    x = RNG.rand(7, 3, 8, 8).astype(np.float32)
    got = net.forward_all(blobs=["fc"], data=x)
    assert set(got) == {"prob", "fc"} and got["prob"].shape == (7, 5)
    for i in range(0, 7, 2):
        want = judge(np.concatenate([x[i:i + 2], np.zeros((2 - len(x[i:i + 2]), 3, 8, 8))]))
        for name in got:
            np.testing.assert_allclose(got[name][i:i + 2], want[name][:len(got[name][i:i + 2])], rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(net.forward_all(data=list(x[:3]))["prob"], got["prob"][:3])
    np.testing.assert_array_equal(net.forward_all(data=x[:4])["prob"], got["prob"][:4])
    with pytest.raises(DataError, match="data"):
        net.forward_all()
    with pytest.raises(srt.GraphError):
        net.forward_all(nothing=x)


def test_in_place_on_an_input_changes_it_as_in_caffe(make):  # noqa: F811
    net = make(input_layer("x", 3) + 'layer { name: "d" type: "Power" bottom: "x" top: "x" power_param { scale: 2 } }')
    net.blobs["x"].data[...] = [1, 2, 3]
    for _ in range(3):
        net.forward()
    np.testing.assert_array_equal(net.blobs["x"].data, [8, 16, 24])


def test_a_layer_that_remembers_does_so_whole_or_in_parts(make):  # noqa: F811
    text = input_layer("x", 2, 1, 3) + input_layer("cont", 2, 1) + (
        'layer { name: "lstm" type: "LSTM" bottom: "x" bottom: "cont" top: "h" '
        'recurrent_param { num_output: 2 weight_filler { type: "uniform" min: -1 max: 1 } } }\n'
        'layer { name: "y" type: "Power" bottom: "h" top: "y" power_param { scale: 3 } }')
    x, on = np.random.RandomState(0).rand(2, 1, 3), np.ones((2, 1))
    whole, parts = make(text), make(text)
    for _ in range(3):
        want = whole.forward(x=x, cont=on)["y"]
        parts.blobs["x"].data[...], parts.blobs["cont"].data[...] = x, on
        parts.forward(end="lstm")
        got = parts.forward(start="y")["y"]
        np.testing.assert_allclose(got, want, rtol=1e-6)
        np.testing.assert_allclose(parts.blobs["h"].data * 3, want, rtol=1e-6)
    assert not np.allclose(make(text).forward(x=x, cont=on)["y"], want)


def test_shapes_that_hang_on_the_data(make):  # noqa: F811
    text = input_layer("x", 4, 3) + input_layer("keep", 4) + (
        'layer { name: "f" type: "Filter" bottom: "x" bottom: "keep" top: "f" }\n'
        'layer { name: "r" type: "ReLU" bottom: "f" top: "r" }\n'
        'layer { name: "s" type: "Silence" bottom: "r" }')
    net = make(text)
    x = np.arange(12).reshape(4, 3)
    assert net.blobs["r"].shape == (4, 3)
    for keep in ([1, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1]):
        net.forward(x=x, keep=np.array(keep))
        assert net.blobs["r"].shape == (sum(keep), 3)
        np.testing.assert_array_equal(net.blobs["r"].data, x[np.array(keep) == 1])
        np.testing.assert_array_equal(net.forward(start="r", end="r")["r"], x[np.array(keep) == 1])


DATA = """
layer { name: "db" type: "Data" top: "data" top: "label" data_param { source: "somewhere" batch_size: 4 } }
layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc"
  inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }
"""


def test_a_data_base_must_be_replaced_by_data(make):  # noqa: F811
    net = make(DATA)
    assert net.inputs == ["data", "label"] and net.blobs["data"].shape == () and not net.params
    with pytest.raises(DataError, match="db.*somewhere.*data"):
        net.forward()
    with pytest.raises(ShapeError, match="data"):
        net.blobs["data"].data  # noqa: B018
    for call in (lambda: net.save("x"), lambda: net.forward(start="fc")):
        with pytest.raises((ShapeError, DataError)):
            call()
    net.blobs["data"].reshape(6, 3, 2, 2)       # another batch than the file's; labels follow
    net.blobs["data"].data[...] = 0
    np.testing.assert_allclose(net.forward()["loss"], np.log(2), rtol=1e-6)
    assert net.blobs["label"].shape == (6,) and list(net.params) == ["fc"]
    other = make(DATA)
    loss = other.forward(data=np.zeros((4, 3, 2, 2)), label=np.zeros(4))["loss"]
    np.testing.assert_allclose(loss, np.log(2), rtol=1e-6)


def test_memory_data(make):  # noqa: F811
    net = make('layer { name: "m" type: "MemoryData" top: "data" top: "label" memory_data_param '
               "{ batch_size: 2 channels: 1 height: 1 width: 3 } }\n"
               'layer { name: "p" type: "Power" bottom: "data" top: "y" power_param { scale: 2 } }')
    with pytest.raises(DataError, match="set_input_arrays"):
        net.forward()
    data, labels = np.arange(12, dtype=np.float32).reshape(4, 1, 1, 3), np.arange(4)
    net.set_input_arrays(data, labels)
    for i in (0, 2, 0):
        out = net.forward()
        np.testing.assert_array_equal(out["y"], 2 * data[i:i + 2])
        np.testing.assert_array_equal(out["label"], labels[i:i + 2])
    for wrong in [(data[:3], labels[:3]), (data, labels[:2]), (data[:, :, :, :2], labels), (data[0], labels[:1])]:
        with pytest.raises(RuntimeError, match="shape|labels"):
            net.set_input_arrays(*wrong)
    with pytest.raises(RuntimeError, match="MemoryData"):
        make().set_input_arrays(data, labels)


def test_an_error_leaves_a_net_that_works(make):  # noqa: F811
    text = input_layer("x", 2, 3) + input_layer("i", 4) + (
        'layer { name: "b" type: "BatchReindex" bottom: "x" bottom: "i" top: "y" }')
    net = make(text)
    x = np.arange(6).reshape(2, 3)
    with pytest.raises(DataError, match="'b'"):
        net.forward(x=x, i=[0, 1, 2, 0])
    np.testing.assert_array_equal(net.forward(x=x, i=[0, 1, 1, 0])["y"], x[[0, 1, 1, 0]])


def test_train_phase_draws_at_random_once(make):  # noqa: F811
    net = make(input_layer("x", 1000) + 'layer { name: "d" type: "Dropout" bottom: "x" top: "y" }\n'
               'layer { name: "z" type: "Power" bottom: "y" top: "z" power_param { scale: 2 } }', caffe.TRAIN)
    out = net.forward(x=np.ones(1000))["z"]
    np.testing.assert_array_equal(out, 2 * net.blobs["y"].data)      # of the same drawing
    assert set(np.unique(out)) == {0, 4}


def test_a_net_of_nothing_but_inputs(make):  # noqa: F811
    net = make(input_layer("x", 2, 3))
    np.testing.assert_array_equal(net.forward(x=np.ones((2, 3)))["x"], np.ones((2, 3)))
