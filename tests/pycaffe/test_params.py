"""Parameters: written, loaded, saved, shared."""

import numpy as np
import pytest

import scalpel_rt as srt
import scalpel_rt.pycaffe as caffe
from scalpel_rt.errors import FormatError, ShapeError, WeightsError

from .nets import SMALL, input_layer, make  # noqa: F401

X = np.random.RandomState(0).rand(2, 3, 8, 8).astype(np.float32)


def test_the_parameters_of_a_layer(make):  # noqa: F811
    net = make()
    weights, bias = net.params["fc"]
    assert weights.shape == (5, 36) and (weights.num, weights.channels, weights.height) == (5, 36, 1)
    assert weights.data.dtype == np.float32 and np.shares_memory(weights.data, net.params["fc"][0].data)
    assert np.shares_memory(net.layers[7].blobs[0].data, weights.data)
    bias.diff[...] = 2
    assert (net.layer_dict["fc"].blobs[1].diff == 2).all()
    weights.reshape(5, 36)
    with pytest.raises(ShapeError, match=r"\(5, 36\).*\(36, 5\)"):
        weights.reshape(36, 5)
    with pytest.raises(AttributeError):
        weights.data = np.zeros((5, 36))


def test_save_and_load(tmp_path, make):  # noqa: F811
    net = make()
    binary, hdf5 = str(tmp_path / "w.caffemodel.h5"), str(tmp_path / "w.hdf5")
    net.save(binary)        # whatever the name: save is binary, as in pycaffe
    net.save_hdf5(hdf5)
    assert open(binary, "rb").read(4) != b"\x89HDF" and open(hdf5, "rb").read(4) == b"\x89HDF"
    want = net.forward(data=X)["prob"].copy()
    for path in (binary, hdf5):
        caffe.set_random_seed(3)
        other = make()
        caffe.set_random_seed(0)
        held = other.params["fc"][0].data
        assert not np.array_equal(held, net.params["fc"][0].data)
        before = other.forward(data=X)["prob"].copy()
        other.copy_from(path)
        np.testing.assert_array_equal(held, net.params["fc"][0].data)       # the same memory
        assert np.shares_memory(held, other.params["fc"][0].data)
        np.testing.assert_array_equal(other.blobs["prob"].data, before)
        np.testing.assert_allclose(other.forward()["prob"], want, rtol=1e-6)
    other.load_hdf5(hdf5)
    with pytest.raises(FormatError):
        other.load_hdf5(binary)


def test_weights_that_do_not_fit(tmp_path, make):  # noqa: F811
    net = make()
    path = str(tmp_path / "w.caffemodel")
    make(SMALL.replace("num_output: 5", "num_output: 6")).save(path)
    with pytest.raises(WeightsError, match=r"fc.*\(6, 36\).*\(5, 36\)"):
        net.copy_from(path)


def test_weights_for_a_net_whose_shapes_come_later(tmp_path, make):  # noqa: F811
    net = make()
    path = str(tmp_path / "w.caffemodel")
    net.save(path)
    later = make(SMALL.replace("input_param { shape { dim: 2 dim: 3 dim: 8 dim: 8 } }", ""))
    assert later.blobs["data"].shape == () and not later.params
    with pytest.raises(ShapeError, match="data"):
        later.forward()
    later.copy_from(path)
    later.blobs["data"].reshape(2, 3, 8, 8)
    np.testing.assert_allclose(later.forward(data=X)["prob"], net.forward(data=X)["prob"], rtol=1e-6)
    np.testing.assert_array_equal(later.params["fc"][0].data, net.params["fc"][0].data)


def test_shared_parameters_of_two_nets(make):  # noqa: F811
    first = make()
    second = make(SMALL.replace("dim: 2 dim: 3", "dim: 1 dim: 3").replace('"fc" type', '"other" type'))
    alone = second.params["other"][0].data.copy()
    first.forward(data=X)
    second.forward(data=X[:1])
    before = {name: net.blobs["conv"].data.copy() for name, net in (("first", first), ("second", second))}
    second.share_with(first)
    assert np.shares_memory(first.params["conv"][0].data, second.params["conv"][0].data)
    np.testing.assert_array_equal(second.params["other"][0].data, alone)
    np.testing.assert_allclose(second.forward(blobs=["conv"])["conv"], before["first"][:1], rtol=1e-5, atol=1e-6)
    for net, value in ((first, 2), (second, 3), (first, 4)):    # written through the one, seen by the other
        net.params["conv"][0].data[...] = 0
        net.params["conv"][1].data[...] = value
        for other in (first, second):
            assert (other.forward(blobs=["conv"])["conv"] == value).all()
            assert (other.forward(start="conv", end="conv")["conv"] == value).all()
    held = first.params["conv"][1].data
    for value in (5, 6):
        held[...] = value
        assert (second.forward(blobs=["conv"])["conv"] == value).all()


def test_sharing_wants_the_same_shapes(make):  # noqa: F811
    with pytest.raises(WeightsError, match=r"fc.*\(6, 36\).*\(5, 36\)"):
        make().share_with(make(SMALL.replace("num_output: 5", "num_output: 6")))


def test_parameters_shared_within_a_net(make):  # noqa: F811
    layer = ('layer {{ name: "{0}" type: "InnerProduct" bottom: "x" top: "{0}" param {{ name: "w" }} '
             'inner_product_param {{ num_output: 2 bias_term: false weight_filler {{ type: "xavier" }} }} }}\n')
    net = make(input_layer("x", 1, 3) + layer.format("a") + layer.format("b"))
    net.params["a"][0].data[...] = [[1, 2, 3], [4, 5, 6]]
    out = net.forward(x=np.ones((1, 3)))
    assert out["a"].tolist() == out["b"].tolist() == [[6, 15]]
    net.params["b"][0].data[0] = 0
    out = net.forward()
    assert out["a"].tolist() == out["b"].tolist() == [[0, 15]]


def test_what_is_saved_can_be_read_by_the_native_net(tmp_path, make):  # noqa: F811
    net = make()
    net.params["fc"][0].data[...] = 0.125
    net.save(str(tmp_path / "w.caffemodel"))
    native = srt.load(tmp_path / "net.prototxt", tmp_path / "w.caffemodel")
    np.testing.assert_allclose(native.forward(data=X)["prob"], net.forward(data=X)["prob"], rtol=1e-5)
