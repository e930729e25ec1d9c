"""NetSpec, layers, params, to_proto; coord_map; draw; caffe_pb2."""

import sys
import types

import numpy as np
import pytest
from google.protobuf import text_format

import scalpel_rt.pycaffe as caffe
from scalpel_rt.caffe import parse_prototxt
from scalpel_rt.errors import GraphError, OptionsError
from scalpel_rt.pycaffe import layers as L  # noqa: N812
from scalpel_rt.pycaffe import params as P  # noqa: N812
from scalpel_rt.pycaffe.coord_map import coord_map_from_to, crop
from scalpel_rt.pycaffe.net_spec import param_name_dict
from scalpel_rt.pycaffe.proto import caffe_pb2


def lenet():
    n = caffe.NetSpec()
    n.data = L.Input(shape=dict(dim=[2, 1, 28, 28]))
    n.conv1 = L.Convolution(n.data, kernel_size=5, num_output=20, weight_filler=dict(type="xavier"),
                            param=[dict(lr_mult=1), dict(lr_mult=2, name="b")])
    n.pool1 = L.Pooling(n.conv1, kernel_size=2, stride=2, pool=P.Pooling.MAX)
    n.relu1 = L.ReLU(n.pool1, in_place=True)
    n.ip = L.InnerProduct(n.relu1, num_output=10, weight_filler=dict(type="xavier"))
    n.prob = L.Softmax(n.ip)
    return n


LENET = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 1 dim: 28 dim: 28 } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  param { lr_mult: 1 } param { lr_mult: 2 name: "b" }
  convolution_param { kernel_size: 5 num_output: 20 weight_filler { type: "xavier" } } }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
  pooling_param { kernel_size: 2 stride: 2 pool: MAX } }
layer { name: "relu1" type: "ReLU" bottom: "pool1" top: "pool1" }
layer { name: "ip" type: "InnerProduct" bottom: "pool1" top: "ip"
  inner_product_param { num_output: 10 weight_filler { type: "xavier" } } }
layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }
"""


def test_a_net():
    assert lenet().to_proto() == parse_prototxt(LENET)
    assert 'type: "Convolution"' in str(lenet().to_proto())


def test_it_runs(tmp_path):
    (tmp_path / "net.prototxt").write_text(str(lenet().to_proto()))
    net = caffe.Net(str(tmp_path / "net.prototxt"), caffe.TEST)
    np.testing.assert_allclose(net.forward()["prob"].sum(1), 1, rtol=1e-5)


def names(net):
    return [(layer.name, list(layer.bottom), list(layer.top)) for layer in net.layer]


def test_names_that_nobody_gave():
    n = caffe.NetSpec()
    n.data, n.label = L.Data(ntop=2, batch_size=3, source="here", backend=P.Data.LMDB, transform_param=dict(scale=0.5))
    a, n.b = L.Slice(L.ReLU(L.ReLU(n.data)), ntop=2)
    n["c/1"] = L.Eltwise(a, n.b)
    n.quiet = L.Silence(n.label, ntop=0)
    made = n.to_proto()
    assert names(made) == [
        ("data", [], ["data", "label"]), ("ReLU1", ["data"], ["ReLU1"]), ("ReLU2", ["ReLU1"], ["ReLU2"]),
        ("Slice1", ["ReLU2"], ["Slice1", "b"]), ("c/1", ["Slice1", "b"], ["c/1"]), ("quiet", ["label"], [])]
    assert made.layer[0].data_param.batch_size == 3 and made.layer[0].transform_param.scale == 0.5
    assert names(caffe.to_proto(L.Concat(a, n["c/1"])))[-1] == ("Concat1", ["Slice1", "Eltwise1"], ["Concat1"])
    assert names(n.b.to_proto())[-1] == ("Slice1", ["ReLU2"], ["Slice1", "Slice2"])


def test_fields_of_the_layer_itself():
    n = caffe.NetSpec()
    n.x = L.DummyData(shape=[dict(dim=[1, 2]), dict(dim=[3])], num=[4], include=dict(phase=caffe.TEST))
    n.y = L.Python(n.x, name="mine", loss_weight=[1], python_param=dict(module="m", layer="l"))
    n.z = L.Deconvolution(n.y, convolution_param=dict(kernel_size=[2, 3], bias_filler=dict(value=1)))
    x, y, z = n.to_proto().layer
    assert [list(shape.dim) for shape in x.dummy_data_param.shape] == [[1, 2], [3]]
    assert list(x.dummy_data_param.num) == [4]
    assert x.include[0].phase == caffe.TEST
    assert y.name == "mine" and list(y.loss_weight) == [1] and y.python_param.layer == "l"
    assert list(z.convolution_param.kernel_size) == [2, 3] and z.convolution_param.bias_filler.value == 1


def test_mistakes():
    n = caffe.NetSpec()
    n.x = L.Input(ntop=1)
    with pytest.raises(TypeError, match="input 1 of Eltwise is of type int"):
        L.Eltwise(n.x, 5)
    with pytest.raises(TypeError, match="tuple"):
        L.Silence(L.Slice(n.x, ntop=2), ntop=0)
    for wrong, kind in (({"kernel": 3}, AttributeError), ({"num_output": [1, 2]}, TypeError)):
        n.y = L.Convolution(n.x, **wrong)
        with pytest.raises(kind, match="kernel|num_output"):
            n.to_proto()
    n.y = L.Softmax(n.x, engine="NONE")
    with pytest.raises(ValueError):
        n.to_proto()
    with pytest.raises(GraphError, match="in place"):
        L.Slice(n.x, ntop=2, in_place=True)
    with pytest.raises(AttributeError, match="nothing"):
        n.nothing  # noqa: B018
    with pytest.raises(AttributeError, match="NothingParameter"):
        P.Nothing  # noqa: B018
    with pytest.raises(TypeError, match="Tops"):
        caffe.to_proto(5)
    del n.y
    del n["x"]
    assert not n.tops and not hasattr(n, "y")


def test_a_deep_net_is_no_problem():
    top = L.Input()
    for _ in range(5000):
        top = L.ReLU(top)
    assert len(caffe.to_proto(top).layer) == 5001


def test_param_names():
    found = param_name_dict()
    assert found["InnerProduct"] == "inner_product" and found["LRN"] == "lrn" and found["HDF5Data"] == "hdf5_data"


# -- coord_map -------------------------------------------------------------------------------------------------


def chain(*layers, size=64):
    n = caffe.NetSpec()
    n.data = top = L.Input(shape=dict(dim=[1, 1, size, size]))
    for make in layers:
        top = make(top)
    n.top = top
    return n


def conv(**more):
    return lambda bottom: L.Convolution(bottom, num_output=1, weight_filler=dict(type="constant", value=1), **more)


def deconv(**more):
    return lambda bottom: L.Deconvolution(bottom, convolution_param=dict(
        num_output=1, weight_filler=dict(type="constant", value=1), **more))


def pool(**more):
    return lambda bottom: L.Pooling(bottom, pool=P.Pooling.AVE, **more)


@pytest.mark.parametrize("layers, scale, offset", [
    ((conv(kernel_size=3),), 1, 1), ((conv(kernel_size=3, pad=1),), 1, 0), ((conv(kernel_size=1, stride=4),), 4, 0),
    ((conv(kernel_size=5, dilation=2, pad=3),), 1, 1), ((pool(kernel_size=2, stride=2),), 2, 0.5),
    ((pool(kernel_h=2, kernel_w=2, stride_h=2, stride_w=2),), 2, 0.5),
    ((deconv(kernel_size=4, stride=2, pad=1),), 0.5, -0.25),
    ((conv(kernel_size=3), pool(kernel_size=2, stride=2), deconv(kernel_size=4, stride=2)), 1, 0),
    ((conv(kernel_size=3), L.Dropout, L.Scale), 1, 1)])
def test_coordinates(tmp_path, layers, scale, offset):
    n = chain(*layers)
    axis, a, b = coord_map_from_to(n.top, n.data)
    assert axis == 1 and (a == scale).all() and (b == offset).all()
    _, a, b = coord_map_from_to(n.data, n.top)
    assert (a == 1 / scale).all() and (b == -offset / scale).all()
    if "Deconvolution" in {layer.type for layer in n.to_proto().layer}:
        return
    # and so it is: the middle of what a pixel of the top sees
    (tmp_path / "net.prototxt").write_text(str(n.to_proto()))
    net = caffe.Net(str(tmp_path / "net.prototxt"), caffe.TEST)
    net.blobs["data"].data[...] = 1
    seen = net.forward()["top"].copy()
    net.blobs["data"].data[...] = np.arange(64)
    middle = (net.forward()["top"] / seen)[0, 0, 8, 4:12]
    np.testing.assert_allclose(middle, np.arange(4, 12) * scale + offset, rtol=1e-5)


def test_crop(tmp_path):
    n = chain(conv(kernel_size=3, pad=10), pool(kernel_size=2, stride=2), deconv(kernel_size=4, stride=2))
    n.cut = crop(n.top, n.data)
    made = n.to_proto().layer[-1]
    assert made.type == "Crop" and made.crop_param.axis == 2 and list(made.crop_param.offset) == [10]
    (tmp_path / "net.prototxt").write_text(str(n.to_proto()))
    net = caffe.Net(str(tmp_path / "net.prototxt"), caffe.TEST)
    assert net.blobs["cut"].shape == (1, 1, 64, 64)
    axis, scale, offset = coord_map_from_to(n.cut, n.data)
    assert (axis, scale, offset) == (1, 1, 0)
    assert crop(n.cut, n.data).fn.params["crop_param"]["offset"] == [0]


def test_axes_of_their_own():
    n = chain(conv(kernel_size=[3, 5], stride=[1, 2], pad=[0, 10]))
    axis, scale, offset = coord_map_from_to(n.top, n.data)
    assert axis == 1 and scale.tolist() == [1, 2] and offset.tolist() == [1, -8]
    n.top = L.Deconvolution(n.top, convolution_param=dict(num_output=1, kernel_size=[1, 2], stride=[1, 2]))
    n.cut = L.Crop(n.top, n.data, axis=2, offset=[1, 3])
    assert coord_map_from_to(n.cut, n.data)[2].tolist() == [2, -5.5]


def test_each_bottom_of_a_convolution_has_its_top():
    n = caffe.NetSpec()
    n.a, n.b = L.Input(), L.Input()
    n.c, n.d = L.Convolution(n.a, n.b, ntop=2, num_output=1, kernel_size=3)
    assert coord_map_from_to(n.c, n.a)[2] == coord_map_from_to(n.d, n.b)[2] == 1
    with pytest.raises(RuntimeError, match="one blob"):
        coord_map_from_to(n.c, n.b)


def test_no_crop_sets_these_right():
    for layers, why in [((pool(kernel_size=2, stride=2),), "factor"), ((conv(kernel_size=3),), "inside"),
                        ((conv(kernel_size=4, pad=3),), "whole number")]:
        n = chain(*layers)
        with pytest.raises(AssertionError, match=why):
            crop(n.top, n.data)
    n = chain(lambda bottom: L.InnerProduct(bottom, num_output=2))
    with pytest.raises(RuntimeError, match="one blob"):
        crop(n.top, n.data)
    n = chain(lambda bottom: L.Pooling(bottom, global_pooling=True))
    with pytest.raises(RuntimeError):
        crop(n.top, n.data)


# -- draw ------------------------------------------------------------------------------------------------------


def test_draw(tmp_path, monkeypatch):
    net = lenet().to_proto()
    text = caffe.draw.draw_net(net, rankdir="TB", ext="dot").decode()
    assert text.startswith("digraph") and "rankdir=TB" in text and text.count("Convolution") == 1
    caffe.draw.draw_net_to_file(net, str(tmp_path / "net.dot"))
    assert "rankdir=LR" in (tmp_path / "net.dot").read_text()
    monkeypatch.setitem(sys.modules, "pydot", None)
    with pytest.raises(OptionsError, match="pydot"):
        caffe.draw.draw_net(net, ext="png")
    fake = types.ModuleType("pydot")
    fake.graph_from_dot_data = lambda text: [types.SimpleNamespace(
        create=lambda format: f"{format} of {len(text)}".encode(), text=text)]
    monkeypatch.setitem(sys.modules, "pydot", fake)
    caffe.draw.draw_net_to_file(net, str(tmp_path / "net.png"), "TB")
    assert (tmp_path / "net.png").read_bytes() == f"png of {len(text)}".encode()
    assert caffe.draw.get_pydot_graph(net, "TB").text == text
    with pytest.raises(OptionsError, match="rankdir"):
        caffe.draw.draw_net(net, rankdir="up", ext="dot")


def test_draw_shows_the_layers_of_the_phase():
    net = parse_prototxt('layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 } } }'
                         'layer { name: "only" type: "ReLU" bottom: "x" top: "y" include { phase: TRAIN } }')
    assert b"only" not in caffe.draw.draw_net(net, ext="dot")
    assert b"only" in caffe.draw.draw_net(net, ext="dot", phase=caffe.TRAIN)


# -- caffe_pb2 -------------------------------------------------------------------------------------------------


def test_messages():
    net = text_format.Parse(LENET, caffe_pb2.NetParameter())
    assert net.layer[2].pooling_param.pool == caffe_pb2.PoolingParameter.MAX
    assert caffe_pb2.NetParameter.FromString(net.SerializeToString()) == net
    assert caffe_pb2.TEST == caffe_pb2.Phase.Value("TEST") == caffe.TEST and caffe_pb2.TRAIN == caffe.TRAIN
    assert caffe_pb2.SolverParameter().base_lr == 0 and caffe_pb2.V1LayerParameter.CONVOLUTION == 4
    assert caffe_pb2.DESCRIPTOR.message_types_by_name["Datum"].name == caffe_pb2.Datum.DESCRIPTOR.name
    assert caffe.proto.caffe_pb2 is caffe_pb2 and {"BlobProto", "TEST"} <= set(caffe_pb2.__all__)
