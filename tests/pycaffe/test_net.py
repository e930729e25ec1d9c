"""Net: what it is made of, how it is opened, what it raises."""

from collections import OrderedDict

import numpy as np
import pytest

import scalpel_rt as srt
import scalpel_rt.pycaffe as caffe
from scalpel_rt.errors import GraphError, ShapeError, UnsupportedError

from .nets import SMALL, input_layer, make  # noqa: F401


def test_constructors(tmp_path, make):  # noqa: F811
    net = make()
    weights, hdf5 = str(tmp_path / "w.caffemodel"), str(tmp_path / "w.caffemodel.h5")
    net.save(weights)
    net.save_hdf5(hdf5)
    path, x = str(tmp_path / "net.prototxt"), np.random.RandomState(0).rand(2, 3, 8, 8)
    want = net.forward(data=x)["prob"].copy()
    for args, more in [((path, weights, caffe.TEST), {}), ((path, caffe.TEST), {"weights": weights}),
                       ((path, caffe.TEST, 0, [], hdf5), {}), ((tmp_path / "net.prototxt", weights, caffe.TEST), {}),
                       ((), {"network_file": path, "phase": caffe.TEST, "weights": hdf5})]:
        other = caffe.Net(*args, **more)
        np.testing.assert_array_equal(other.forward(data=x)["prob"], want)
    for args in [(path,), (path, weights), (path, "TEST"), (path, weights, 2), (path, None), (path, 1.5)]:
        with pytest.raises(TypeError, match="caffe.TEST"):
            caffe.Net(*args)


def test_a_missing_file_is_a_runtime_error(tmp_path, make):  # noqa: F811
    net = make()
    for call in (lambda: caffe.Net("nowhere.prototxt", caffe.TEST), lambda: net.copy_from("nowhere.caffemodel"),
                 lambda: caffe.Net(str(tmp_path / "net.prototxt"), "nowhere.caffemodel", caffe.TEST),
                 lambda: net.load_hdf5("nowhere.h5")):
        with pytest.raises(RuntimeError, match="nowhere"):
            call()


def test_phase_level_and_stages(make):  # noqa: F811
    text = input_layer("x", 1, 2) + "".join(
        f'layer {{ name: "{name}" type: "ReLU" bottom: "x" top: "{name}" {rule} }}\n' for name, rule in [
            ("train", "include { phase: TRAIN }"), ("test", "include { phase: TEST }"),
            ("deep", "include { min_level: 2 }"), ("staged", 'include { stage: "A" stage: "B" }')])
    names = lambda *args, **more: [n for n in make(text, *args, **more)._layer_names if "split" not in n]  # noqa: E731
    assert names() == ["x", "test"]
    assert names(caffe.TRAIN) == ["x", "train"]
    assert names(caffe.TEST, level=2, stages=["A", "B"]) == ["x", "test", "deep", "staged"]
    assert names(caffe.TEST, stages=["A"]) == ["x", "test"]


def test_what_a_net_is_made_of(make):  # noqa: F811
    net = make()
    assert net.name == "small" and net.inputs == ["data"] and net.outputs == ["prob"]
    assert net._layer_names == ["data", "conv", "relu", "pool", "pool_pool_0_split", "double", "sum", "fc", "prob"]
    assert [layer.type for layer in net.layers] == ["Input", "Convolution", "ReLU", "Pooling", "Split", "Power",
                                                    "Eltwise", "InnerProduct", "Softmax"]
    assert list(net.layer_dict) == net._layer_names and net.layer_dict["fc"].type == "InnerProduct"
    assert isinstance(net.blobs, OrderedDict) and isinstance(net.params, OrderedDict)
    assert list(net.blobs) == ["data", "conv", "pool", "pool_pool_0_split_0", "pool_pool_0_split_1", "double", "sum",
                               "fc", "prob"]
    assert net.top_names["pool_pool_0_split"] == ["pool_pool_0_split_0", "pool_pool_0_split_1"]
    assert net.top_names["relu"] == net.bottom_names["relu"] == ["conv"]
    assert net.bottom_names["double"] == ["pool_pool_0_split_0"]
    assert net.bottom_names["sum"] == ["pool_pool_0_split_1", "double"] and net.bottom_names["data"] == []
    assert {name: [tuple(p.shape) for p in blobs] for name, blobs in net.params.items()} == {
        "conv": [(4, 3, 3, 3), (4,)], "fc": [(5, 36), (5,)]}
    assert [p.shape for p in net.layers[1].blobs] == [(4, 3, 3, 3), (4,)] and net.layers[4].blobs == []
    assert net._top_ids(4) == [3, 4] and net._bottom_ids(6) == [4, 5]
    assert net._inputs == [0] and net._outputs == [8]


def test_loss_weights(make):  # noqa: F811
    text = input_layer("a", 2, 3) + input_layer("b", 2, 3) + (
        'layer { name: "l" type: "EuclideanLoss" bottom: "a" bottom: "b" top: "l" }\n'
        'layer { name: "m" type: "Power" bottom: "a" top: "m" loss_weight: 0.5 }\n'
        'layer { name: "n" type: "ReLU" bottom: "m" top: "n" }')
    net = make(text)
    assert net.blob_loss_weights["l"] == 1 and net.blob_loss_weights["m"] == 0.5 and net.blob_loss_weights["n"] == 0
    # the loss weight reads m too: Caffe splits it, and shows what is only for the loss among the outputs
    assert net.outputs == ["l", "m_m_0_split_0", "n"]
    assert net.top_names["m_m_0_split"] == ["m_m_0_split_0", "m_m_0_split_1"]
    assert net.bottom_names["n"] == ["m_m_0_split_1"]
    out = net.forward(a=np.full((2, 3), 2), b=np.zeros((2, 3)))
    assert out["l"].shape == () and out["l"] == 6
    np.testing.assert_array_equal(out["m_m_0_split_0"], np.full((2, 3), 2))
    np.testing.assert_array_equal(net.blobs["m_m_0_split_1"].data, net.blobs["m"].data)


def test_a_blob(make):  # noqa: F811
    blob = make().blobs["data"]
    assert (blob.num, blob.channels, blob.height, blob.width, blob.count) == (2, 3, 8, 8, 384)
    assert blob.shape == (2, 3, 8, 8) and list(blob.shape)[1:] == [3, 8, 8]
    assert blob.data.dtype == np.float32 and blob.data.shape == blob.shape and not blob.data.any()
    blob.diff[0, 0] = 3
    assert blob.diff.shape == blob.shape and blob.diff.sum() == 3 * 64
    blob.reshape(5, 2)
    assert (blob.num, blob.channels, blob.height, blob.width, blob.count) == (5, 2, 1, 1, 10)
    blob.reshape(1, 1, 2, 3, 4)
    with pytest.raises(ShapeError, match="4 axes"):
        blob.width  # noqa: B018
    for wrong in [(-1, 2), ((1, 2),), (1.5,), ("a",)]:
        with pytest.raises(ShapeError):
            blob.reshape(*wrong)
    with pytest.raises(AttributeError):
        blob.data = np.zeros(3)


def test_reshaping_a_blob_keeps_its_values_as_caffe_does(make):  # noqa: F811
    blob = make(input_layer("x", 2, 3)).blobs["x"]
    blob.data[...] = [[1, 2, 3], [4, 5, 6]]
    before = blob.data
    blob.reshape(3, 2)
    np.testing.assert_array_equal(blob.data, [[1, 2], [3, 4], [5, 6]])
    blob.reshape(1, 4)
    blob.data[0, 0] = 9
    assert before[0, 0] == 9        # the same memory still
    blob.reshape(2, 3)
    np.testing.assert_array_equal(blob.data, [[9, 2, 3], [4, 5, 6]])
    blob.reshape(4, 4)
    assert not blob.data.any()


def test_forward_checks_what_it_is_given(make):  # noqa: F811
    net = make(input_layer("a", 2, 3) + input_layer("b", 2, 3)
               + 'layer { name: "s" type: "Eltwise" bottom: "a" bottom: "b" top: "s" }')
    one = np.ones((2, 3))
    with pytest.raises(GraphError, match="a, b.*given: a"):
        net.forward(a=one)
    with pytest.raises(GraphError, match="given: a, b, c"):
        net.forward(a=one, b=one, c=one)
    with pytest.raises(ShapeError, match=r"\(1, 3\).*\(2, 3\)"):
        net.forward(a=one, b=one[:1])
    with pytest.raises(ShapeError, match=r"\(2, 4\).*\(2, 3\)"):
        net.forward(a=one, b=np.ones((2, 4)))
    with pytest.raises(KeyError, match="nothing"):
        net.forward(blobs=["nothing"])
    for more in ({"start": "nowhere"}, {"end": "nowhere"}):
        with pytest.raises(ValueError, match="nowhere"):
            net.forward(**more)
    np.testing.assert_array_equal(net.forward(a=one, b=one)["s"], 2 * one)


def test_training_says_where_to_go(make):  # noqa: F811
    net = make()
    for call in (net.backward, net.forward_backward_all, net.before_backward, caffe.get_solver, caffe.SGDSolver,
                 caffe.AdamSolver, caffe.NCCL):
        with pytest.raises(UnsupportedError, match="scalpel_rt.train"):
            call("anything")
    net.params["fc"][0].diff[...] = 1
    net.clear_param_diffs()
    assert not net.params["fc"][0].diff.any()


def test_options_reach_every_plan(make):  # noqa: F811
    net = make()
    x = np.random.RandomState(0).rand(2, 3, 8, 8)
    want = net.forward(data=x)["prob"].copy()
    net.forward(start="fc")
    net.options = srt.Options(isa="scalar", threads=1)
    np.testing.assert_allclose(net.forward(data=x)["prob"], want, rtol=1e-5)
    assert all(part.plans.options.isa == "scalar" for part in (net._whole, *net._parts.values()))


def test_modes_and_small_functions(caplog):
    caffe.set_mode_cpu()
    caffe.set_device(0)
    with pytest.warns(RuntimeWarning, match="CPU"):
        caffe.set_mode_gpu()
    assert {"Convolution", "LSTM", "Python"} <= set(caffe.layer_type_list())
    assert not caffe.has_nccl() and caffe.solver_count() == 1 and caffe.solver_rank() == 0
    timer = caffe.Timer()
    timer.start()
    timer.stop()
    assert 0 <= timer.ms < 1000
    caffe.init_log(0)
    with caplog.at_level("INFO", "scalpel_rt"):
        caffe.log("seen")
    assert "seen" in caplog.text
    assert caffe.TRAIN == 0 and caffe.TEST == 1 and caffe.__version__ == srt.__version__
    for name in caffe.__all__:
        assert getattr(caffe, name) is not None


def test_random_seed(make):  # noqa: F811
    first = make().params["conv"][0].data.copy()
    assert np.array_equal(make().params["conv"][0].data, first)
    caffe.set_random_seed(7)
    try:
        assert not np.array_equal(make().params["conv"][0].data, first)
    finally:
        caffe.set_random_seed(0)


def test_a_net_can_be_subclassed(tmp_path):
    class Mine(caffe.Net):
        def __init__(self, path):
            caffe.Net.__init__(self, path, caffe.TEST)

    (tmp_path / "net.prototxt").write_text(SMALL)
    assert Mine(str(tmp_path / "net.prototxt")).forward()["prob"].shape == (2, 5)
