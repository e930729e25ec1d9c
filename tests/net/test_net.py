"""Net: forward, shapes, what inputs remember."""

import copy

import numpy as np
import pytest

import scalpel_rt as srt
from scalpel_rt.graph import build
from tests.graph.nets import LENET, input_layer, layer, message


def net(text, **options):
    return srt.Net(build(message(text)), **options)


X = input_layer("x", 2, 3)
DOUBLE = X + layer("Power", "x", "y", "power_param { scale: 2 }")


def test_forward_gives_the_outputs():
    out = net(DOUBLE).forward(x=np.ones((2, 3)))
    assert list(out) == ["y"] and out["y"].dtype == np.float32
    np.testing.assert_array_equal(out["y"], np.full((2, 3), 2))


def test_outputs_belong_to_the_caller():
    n = net(DOUBLE)
    first = n.forward(x=np.ones((2, 3)))["y"]
    n.forward(x=np.zeros((2, 3)))
    assert (first == 2).all()
    first[:] = 9
    assert (n.blobs["y"].data == 0).all()


def test_an_output_that_is_an_input():
    n = net(X + layer("Split", "x", "a b"))
    given = np.ones((2, 3), np.float32)
    out = n.forward(x=given)
    out["a"][:] = 5
    assert (out["b"] == 1).all() and (given == 1).all() and (n.blobs["x"].data == 1).all()


def test_inputs_keep_what_they_held():
    n = net(X + input_layer("z", 2, 3) + layer("Eltwise", "x z", "y"))
    assert (n.forward()["y"] == 0).all()
    assert (n.forward(x=np.ones((2, 3)))["y"] == 1).all()
    assert (n.forward(z=np.full((2, 3), 5))["y"] == 6).all()
    assert (n.forward()["y"] == 6).all()


def test_the_array_given_is_copied():
    n = net(DOUBLE)
    given = np.ones((2, 3), np.float32)
    n.forward(x=given)
    given[:] = 7
    assert (n.forward()["y"] == 2).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int64, np.uint8, bool, ">f4"])
def test_any_real_type(dtype):
    assert (net(DOUBLE).forward(x=np.ones((2, 3), dtype))["y"] == 2).all()


def test_any_layout():
    given = np.arange(24, dtype=np.float32).reshape(4, 6)[::2, ::-2]
    np.testing.assert_array_equal(net(DOUBLE).forward(x=given)["y"], 2 * given)
    assert net(DOUBLE).forward({"x": [[1, 2, 3], [4, 5, 6]]})["y"][1, 2] == 12


@pytest.mark.parametrize("values", [np.ones((2, 3), complex), np.full((2, 3), "1"), np.full((2, 3), None),
                                    [[1, 2, 3], [4, 5]]])
def test_no_other_type(values):
    with pytest.raises(srt.DataError, match="'x'"):
        net(DOUBLE).forward(x=values)


@pytest.mark.parametrize("inputs", [np.ones((2, 3)), [np.ones((2, 3))], 0, "x"])
def test_an_array_without_a_name(inputs):
    with pytest.raises(srt.OptionsError, match=r"by name, as forward\(data=x\)"):
        net(DOUBLE).forward(inputs)


def test_unknown_inputs():
    with pytest.raises(srt.GraphError, match="no input 'data'; its inputs are x"):
        net(DOUBLE).forward(data=np.ones((2, 3)))
    with pytest.raises(srt.GraphError, match="no input 'y'"):
        net(DOUBLE).reshape(y=(1,))


def test_a_new_shape_reshapes():
    n = net(DOUBLE)
    assert n.forward(x=np.ones((5, 4)))["y"].shape == (5, 4)
    assert n.blobs["y"].shape == (5, 4) and n.graph.outputs[0].shape == (5, 4)
    assert n.forward(x=np.ones((2, 3)))["y"].shape == (2, 3)


def test_reshape_gives_zeros():
    n = net(DOUBLE)
    n.forward(x=np.ones((2, 3)))
    n.reshape(x=(1, 2))
    np.testing.assert_array_equal(n.blobs["x"].data, [[0, 0]])
    np.testing.assert_array_equal(n.blobs["y"].data, [[0, 0]])
    np.testing.assert_array_equal(n.forward()["y"], [[0, 0]])


def test_a_shape_that_does_not_fit_changes_nothing():
    n = net(LENET)
    with pytest.raises(srt.ShapeError, match="ip1"):
        n.reshape(data=(1, 1, 28, 28))
    assert n.blobs["data"].shape == (2, 1, 12, 12)
    n.forward(data=np.zeros((2, 1, 12, 12)))


def test_two_inputs_can_change_together():
    n = net(X + input_layer("z", 2, 3) + layer("Eltwise", "x z", "y"))
    with pytest.raises(srt.ShapeError, match="'y'"):
        n.forward(x=np.ones((4, 4)))
    assert n.forward(x=np.ones((4, 4)), z=np.ones((4, 4)))["y"].shape == (4, 4)


def test_an_unknown_shape_is_taken_from_the_array():
    n = net('layer { name: "x" type: "Input" top: "x" }'
            + layer("InnerProduct", "x", "y", "inner_product_param { num_output: 3 bias_filler { value: 2 } }"))
    assert n.blobs["y"].shape is None and not n.params
    for what in (lambda: n.forward(), lambda: n.blobs["x"].data, lambda: n.blobs["y"].data, lambda: n.compile()):
        with pytest.raises(srt.ShapeError, match="not known"):
            what()
    np.testing.assert_array_equal(n.forward(x=np.ones((1, 4)))["y"], [[2, 2, 2]])
    assert n.params["y"][0].shape == (3, 4)


def test_data_layers_are_inputs_of_one_batch():
    n = net('layer { name: "d" type: "Data" top: "data" top: "label" data_param { batch_size: 50 } '
            'transform_param { crop_size: 2 } }'
            + layer("InnerProduct", "data", "y", "inner_product_param { num_output: 4 }")
            + layer("Accuracy", "y label", "acc"))
    assert n.inputs == ["data", "label"] and "d" in n.graph.notes
    assert n.forward(data=np.ones((3, 1, 2, 2)))["acc"].shape == ()
    assert n.blobs["label"].shape == (3,)


def test_names_that_are_no_words():
    n = net(input_layer("data/in-1", 1) + layer("ReLU", "data/in-1", "inputs"))
    assert n.forward({"data/in-1": [3]})["inputs"] == 3


def test_a_net_without_inputs():
    n = net(layer("DummyData", "", "x", "dummy_data_param { shape { dim: 2 } data_filler { value: 3 } }"))
    np.testing.assert_array_equal(n.forward()["x"], [3, 3])


def test_state_lives_as_long_as_the_net_whatever_the_shape():
    text = ('layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 1 dim: 3 } } }'
            + input_layer("cont", 2, 1)
            + layer("LSTM", "x cont", "h", 'recurrent_param { num_output: 2 weight_filler { type: "gaussian" } }'))
    x, on = np.ones((2, 1, 3)), np.ones((2, 1))
    n = net(text)
    first, second = n.forward(x=x, cont=on)["h"], n.forward(x=x, cont=on)["h"]
    assert (first != second).any()
    whole = net(text).forward(x=np.ones((4, 1, 3)), cont=np.ones((4, 1)))["h"]
    np.testing.assert_allclose(np.concatenate([first, second]), whole, rtol=1e-6)
    longer = net(text)
    longer.forward(x=x, cont=on)
    np.testing.assert_allclose(longer.forward(x=np.ones((1, 1, 3)), cont=np.ones((1, 1)))["h"][0], whole[2], rtol=1e-6)


def test_attributes():
    n = net(LENET)
    assert n.name == "small" and n.inputs == ["data"] and n.outputs == ["prob"]
    assert [node.type for node in n.layers] == ["Input", "Convolution", "Pooling", "InnerProduct", "ReLU", "Softmax"]
    assert n.summary().parameters == 545
    assert repr(n) == "<Net 'small': 6 layers, data -> prob>"


def test_plans_of_many_shapes():
    n = net(DOUBLE)
    for size in [*range(1, 20), *range(1, 20)]:
        x = np.full((1, size), size)
        np.testing.assert_array_equal(n.forward(x=x)["y"], 2 * x)


def test_compiled_plans_stand_alone():
    n = net(LENET)
    x = np.random.default_rng(0).random((2, 1, 12, 12), np.float32)
    plan = n.compile()
    want = n.forward(data=x)["prob"]
    n.reshape(data=(1, 1, 12, 12))
    np.testing.assert_allclose(plan.run(x), want, rtol=1e-5)


def test_a_graph_is_not_touched_by_running():
    graph = build(message(LENET))
    before = copy.copy(graph)
    srt.Net(graph).forward(data=np.ones((1, 1, 12, 12)))
    assert vars(graph) == vars(before)
    assert graph.inputs[0].shape == (2, 1, 12, 12)


def test_an_empty_batch():
    n = net(LENET)
    assert n.forward(data=np.zeros((0, 1, 12, 12)))["prob"].shape == (0, 5)
    assert n.blobs["conv1"].data.shape == (0, 4, 10, 10)
    assert n.forward(data=np.zeros((1, 1, 12, 12)))["prob"].shape == (1, 5)


@pytest.mark.parametrize("what, error", [
    ({"phase": "DEPLOY"}, srt.OptionsError), ({"dialect": "intel"}, srt.OptionsError)])
def test_load_checks_its_arguments(what, error, tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_text(DOUBLE)
    with pytest.raises(error):
        srt.load(path, **what)


def test_load_names_the_file(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_text(DOUBLE.replace('bottom: "x"', 'bottom: "q"'))
    with pytest.raises(srt.GraphError, match="net.prototxt: layer 'y': bottom 0, 'q'"):
        srt.load(path)
    with pytest.raises(FileNotFoundError):
        srt.load(tmp_path / "none.prototxt")


def test_load_takes_a_stage_as_a_word(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_text(DOUBLE + layer("Power", "x", "z", 'include { stage: "deploy" }'))
    assert srt.load(path).outputs == ["y"]
    assert srt.load(path, stages="deploy").outputs == ["y", "z"]
    assert srt.load(path, stages=["other", "deploy"]).outputs == ["y", "z"]
