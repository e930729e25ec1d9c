"""The torch copy of a graph computes what the graph computes, and gives its weights back bit for bit."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (the extra `train`): training is not tested")

from scalpel_rt.caffe import parse_prototxt  # noqa: E402
from scalpel_rt.errors import GraphError, ShapeError, UnsupportedError  # noqa: E402
from scalpel_rt.graph import build  # noqa: E402
from scalpel_rt.runtime.reference import ReferencePlan  # noqa: E402
from scalpel_rt.train import layers as torch_layers  # noqa: E402
from scalpel_rt.train.to_torch import TorchNet, from_torch  # noqa: E402

INPUT = 'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 4 dim: 9 dim: 7 } } }\n'
FILL = 'weight_filler { type: "gaussian" std: 0.5 } bias_filler { type: "gaussian" std: 0.5 }'
ONE = {
    "Convolution": "convolution_param { num_output: 6 kernel_h: 3 kernel_w: 2 stride: 2 pad_h: 1 pad_w: 0 group: 2 "
                   f"{FILL} }}",
    "Convolution/dilated": "convolution_param { num_output: 3 kernel_size: 3 dilation: 2 pad: 2 bias_term: false "
                           f"{FILL} }}",
    "ConvolutionDepthwise": f"convolution_param {{ num_output: 4 kernel_size: 3 stride: 2 pad: 1 {FILL} }}",
    "DepthwiseConvolution": f"convolution_param {{ num_output: 8 kernel_size: 3 pad: 1 group: 4 {FILL} }}",
    "Deconvolution": f"convolution_param {{ num_output: 6 kernel_size: 3 stride: 2 pad: 1 group: 2 {FILL} }}",
    "InnerProduct": f"inner_product_param {{ num_output: 5 {FILL} }}",
    "InnerProduct/transposed": f"inner_product_param {{ num_output: 5 axis: 2 transpose: true {FILL} }}",
    "Pooling": "pooling_param { pool: MAX kernel_size: 3 stride: 2 }",
    "Pooling/padded": "pooling_param { pool: MAX kernel_size: 3 stride: 2 pad: 1 }",
    "Pooling/average": "pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 }",
    "Pooling/overhang": "pooling_param { pool: AVE kernel_size: 3 stride: 2 }",
    "Pooling/floor": "pooling_param { pool: AVE kernel_size: 2 stride: 2 round_mode: FLOOR }",
    "Pooling/global": "pooling_param { pool: AVE global_pooling: true }",
    "LRN": "lrn_param { local_size: 3 alpha: 0.5 beta: 0.75 k: 2 }",
    "LRN/within": "lrn_param { local_size: 3 alpha: 0.5 beta: 0.75 norm_region: WITHIN_CHANNEL }",
    "BatchNorm": "",
    "Scale": 'scale_param { bias_term: true filler { type: "gaussian" std: 1 } '
             'bias_filler { type: "gaussian" std: 1 } }',
    "Scale/tail": 'scale_param { axis: 2 num_axes: -1 filler { type: "gaussian" std: 1 } }',
    "Bias": 'bias_param { filler { type: "gaussian" std: 1 } }',
    "ReLU": "relu_param { negative_slope: 0.1 }", "PReLU": "", "ELU": "elu_param { alpha: 0.7 }", "Sigmoid": "",
    "TanH": "", "AbsVal": "", "BNLL": "", "Swish": "swish_param { beta: 1.5 }",
    "Power": "power_param { scale: 2 shift: 3 }",
    "Exp": "exp_param { base: 2 scale: 0.5 }", "Log": "log_param { base: 10 shift: 9 }", "Softmax": "", "Dropout": "",
    "Flatten": "flatten_param { axis: 2 }",
    "Reshape": "reshape_param { shape { dim: 0 dim: -1 } }",
    "Eltwise": "eltwise_param { operation: SUM coeff: 2 coeff: -1 }",
    "Eltwise/prod": "eltwise_param { operation: PROD }",
    "Eltwise/max": "eltwise_param { operation: MAX }", "Concat": "concat_param { axis: 2 }",
    "Slice": "slice_param { slice_point: 1 }",
    "Split": "",
}


def net(case):
    kind = case.split("/")[0]
    bottoms = 'bottom: "x" bottom: "y"' if kind in ("Eltwise", "Concat") else 'bottom: "x"'
    tops = 'top: "z" top: "w"' if kind in ("Slice", "Split") else 'top: "z"'
    text = INPUT + (INPUT.replace('"x"', '"y"') if "y" in bottoms.split('"') else "")
    return build(parse_prototxt(text + f'layer {{ name: "one" type: "{kind}" {bottoms} {tops} {ONE[case]} }}'))


@pytest.mark.parametrize("case", ONE)
def test_layer_computes_what_the_reference_does(case):
    graph = net(case)
    rng = np.random.default_rng(3)
    for node in graph.nodes:
        if node.type == "BatchNorm":
            for param in node.params:
                param.array = rng.random(param.shape, np.float32) + np.float32(0.5)
    feed = {b.name: rng.standard_normal(b.shape).astype(np.float32) for b in graph.inputs}
    want = dict(zip([b.name for b in graph.outputs], ReferencePlan(graph).run_all(*feed.values()), strict=True))
    with torch.no_grad():
        got = TorchNet(graph).eval()({k: torch.from_numpy(v) for k, v in feed.items()})
    for name, value in want.items():
        assert got[name].shape == value.shape
        np.testing.assert_allclose(got[name].numpy(), value, rtol=1e-4, atol=1e-5, err_msg=name)


def test_every_trainable_type_is_tested():
    tested = {case.split("/")[0] for case in ONE} | {"Silence"}
    assert tested == set(torch_layers._functions)


NORM = 'layer { name: "n" type: "BatchNorm" bottom: "x" top: "n" batch_norm_param { moving_average_fraction: 0.5 } }'
SCALE = 'layer {{ name: "s" type: "Scale" bottom: "n" top: "{top}" scale_param {{ {param} }} }}'
RANDOM = 'filler { type: "gaussian" std: 1 } '
AFFINE = f"bias_term: true {RANDOM} bias_{RANDOM}"


@pytest.mark.parametrize("scale, together", [
    (SCALE.format(top="n", param=AFFINE), True), (SCALE.format(top="n", param=f"axis: 2 num_axes: -1 {RANDOM}"), False),
    (SCALE.format(top="s", param=AFFINE), False),
], ids=["per channel", "per pixel", "norm asked for"])
def test_norm_and_scale_together_compute_what_each_does(scale, together):
    graph = build(parse_prototxt(INPUT + NORM + scale))
    rng = np.random.default_rng(4)
    for param in graph.nodes[1].params:
        param.array = rng.random(param.shape, np.float32) + np.float32(0.5)
    x = rng.standard_normal(graph.inputs[0].shape).astype(np.float32)
    want = dict(zip([b.name for b in graph.outputs], ReferencePlan(graph).run_all(x), strict=True))
    module = TorchNet(graph)
    assert bool(module._scales) == together
    with torch.no_grad():
        got = module.eval()({"x": torch.from_numpy(x)})
    for name, value in want.items():
        np.testing.assert_allclose(got[name].numpy(), value, rtol=1e-4, atol=1e-5)


def test_norm_and_scale_together_learn_what_each_does():
    """Same outputs, statistics and gradients as torch's own layers, one after the other."""
    graph = build(parse_prototxt(INPUT + NORM + SCALE.format(top="n", param=AFFINE)))
    x = torch.randn(2, 4, 9, 7, generator=torch.Generator().manual_seed(5))
    module = TorchNet(graph).train()
    y = module({"x": x})["n"]
    (y ** 2).sum().backward()
    mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3))
    weight, bias = (module.weights["s", i] for i in range(2))
    shape = (1, 4, 1, 1)
    plain = (x - mean.reshape(shape)) / (x.var((0, 2, 3), unbiased=False) + 1e-5).sqrt().reshape(shape)
    want = plain * weight.reshape(shape) + bias.reshape(shape)
    np.testing.assert_allclose(y.detach(), want.detach(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(weight.grad, (2 * y * plain).sum((0, 2, 3)).detach(), rtol=1e-3)
    np.testing.assert_allclose(bias.grad, (2 * y).sum((0, 2, 3)).detach(), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(module.statistics["n", 0], mean, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(module.statistics["n", 1], variance, rtol=1e-4)


def test_weights_come_back_bit_for_bit_and_shared_ones_stay_shared():
    text = INPUT + "".join(
        f'layer {{ name: "{n}" type: "InnerProduct" bottom: "x" top: "{n}" param {{ name: "w" }} param {{ name: "b" }} '
        f'inner_product_param {{ num_output: 3 {FILL} }} }}' for n in "ab")
    graph = build(parse_prototxt(text))
    back = from_torch(graph, TorchNet(graph))
    for old, new in zip(graph.nodes, back.nodes, strict=True):
        for a, b in zip(old.params, new.params, strict=True):
            assert a is not b and a.array.tobytes() == b.array.tobytes()
    assert back.nodes[1].params[0] is back.nodes[2].params[0]


LABELS = 'layer { name: "l" type: "Input" top: "l" input_param { shape { dim: 2 } } }\n'


@pytest.mark.parametrize("layer, words", [
    ('type: "MVN" bottom: "x" top: "v"', "'v': MVN layers cannot be trained"),
    ('type: "Pooling" bottom: "x" top: "v" pooling_param { pool: STOCHASTIC kernel_size: 2 }',
     "'v': STOCHASTIC pooling.*MAX or AVE"),
    ('type: "Pooling" bottom: "x" top: "v" top: "mask" pooling_param { kernel_size: 2 }',
     "'v': Pooling with a second top.*'mask'"),
    ('type: "SoftmaxWithLoss" bottom: "f" bottom: "l" top: "v"', "'v': SoftmaxWithLoss.*deploy"),
    ('type: "EuclideanLoss" bottom: "f" bottom: "f" top: "v"', "'v': EuclideanLoss.*deploy"),
    ('type: "Accuracy" bottom: "f" bottom: "l" top: "v"', "'v': Accuracy.*deploy"),
], ids=["type", "stochastic", "mask", "softmax loss", "euclidean loss", "accuracy"])
def test_what_cannot_be_trained_is_refused_by_name(layer, words):
    full = 'layer { name: "f" type: "InnerProduct" bottom: "x" top: "f" inner_product_param { num_output: 3 } }'
    graph = build(parse_prototxt(INPUT + LABELS + full + f'layer {{ name: "v" {layer} }}'))
    with pytest.raises(UnsupportedError, match=words):
        TorchNet(graph)


def test_layers_of_one_name_are_refused():
    """Parameters go by the layer's name; of two, one would be trained in place of the other."""
    layers = [f'layer {{ name: "f" type: "InnerProduct" bottom: "{bottom}" top: "{top}" {ONE["InnerProduct"]} }}'
              for bottom, top in ("xy", "yz")]
    with pytest.raises(GraphError, match="layer 'f'.*several layers have this name"):
        TorchNet(build(parse_prototxt(INPUT + layers[0] + layers[1])))


def test_a_net_of_unknown_shape_is_refused():
    graph = build(parse_prototxt('layer { name: "x" type: "Input" top: "x" } layer { name: "n" type: "BatchNorm" '
                                 'bottom: "x" top: "n" }'))
    with pytest.raises(ShapeError, match="'x'.*reshape"):
        TorchNet(graph)
