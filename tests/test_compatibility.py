"""What docs/caffe-compatibility.md promises and no other test holds; and that the tests it names are there."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

import scalpel_rt as srt

HERE = Path(__file__).parent
DOC = HERE.parent / "docs" / "caffe-compatibility.md"
X = 'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 2 dim: 2 dim: 2 } } }'


def load(tmp_path, text):
    path = tmp_path / "net.prototxt"
    path.write_text(text)
    return srt.load(path)


def test_the_document_names_real_tests():
    text = DOC.read_text()
    named = re.findall(r"([\w/]+\.py)::(\w+)", text)
    assert len(named) > 60
    for file, test in named:
        assert f"def {test}(" in (HERE / file).read_text(), f"{file} has no {test}"
    cases = {case["name"] for case in json.loads((HERE / "golden" / "cases" / "cases.json").read_text())}
    golden = [name.strip() for names in re.findall(r"\| golden: ([\w, ]+) \|", text) for name in names.split(",")]
    assert len(golden) > 20
    assert not set(golden) - cases


def test_every_layer_of_a_fork_is_in_the_document():
    from scalpel_rt.layers import find, types

    text = DOC.read_text()
    forks = [name for name in types() if find(name).origin != "BVLC" and find(name).__module__.startswith("scalpel_rt")]
    assert [name for name in forks if name not in text] == []


@pytest.mark.parametrize("layer, want", [
    ('type: "Eltwise" bottom: "a" bottom: "x" top: "a"', lambda a, x: a + x),
    ('type: "Eltwise" bottom: "a" bottom: "x" top: "a" eltwise_param { operation: MAX }', np.maximum),
    ('type: "AbsVal" bottom: "a" top: "a"', lambda a, x: abs(a)),
    ('type: "Flatten" bottom: "a" top: "a"', lambda a, x: a.reshape(1, 8)),
    ('type: "Reshape" bottom: "a" top: "a" reshape_param { shape { dim: 2 dim: 4 } }', lambda a, x: a.reshape(2, 4)),
    ('type: "LRN" bottom: "a" top: "a" lrn_param { local_size: 3 beta: 1 alpha: 3 }',
     lambda a, x: a / (1 + (a * a).sum(axis=1, keepdims=True))),
    ('type: "InnerProduct" bottom: "a" top: "a" inner_product_param { num_output: 2 axis: 3 '
     'weight_filler { value: 1 } }', lambda a, x: np.repeat(a.sum(axis=3, keepdims=True), 2, axis=3)),
])
def test_layers_in_place_read_the_old_values(tmp_path, layer, want):
    x = np.arange(-3, 5, dtype=np.float32).reshape(1, 2, 2, 2)
    net = load(tmp_path, X + 'layer { name: "p" type: "Power" bottom: "x" top: "a" power_param { shift: -1 } }'
               f'layer {{ name: "it" {layer} }}')
    np.testing.assert_allclose(net.forward(x=x)["a"], want(x - 1, x), rtol=1e-5)


def test_rates_of_a_batch_norm_do_not_matter(tmp_path):
    net = load(tmp_path, X + 'layer { name: "bn" type: "BatchNorm" bottom: "x" top: "y" param { lr_mult: 1 } }')
    assert net.forward(x=np.ones((1, 2, 2, 2)))["y"].shape == (1, 2, 2, 2)


def test_engine_is_ignored(tmp_path):
    net = load(tmp_path, X + 'layer { name: "r" type: "ReLU" bottom: "x" top: "y" relu_param { engine: CUDNN } }')
    np.testing.assert_array_equal(net.forward(x=-np.ones((1, 2, 2, 2)))["y"], np.zeros((1, 2, 2, 2)))


def test_a_sequence_may_have_another_length(tmp_path):
    net = load(tmp_path, 'layer { name: "x" type: "Input" top: "x" top: "cont" input_param { '
               "shape { dim: 2 dim: 1 dim: 3 } shape { dim: 2 dim: 1 } } }"
               'layer { name: "r" type: "RNN" bottom: "x" bottom: "cont" top: "y" recurrent_param { num_output: 4 '
               "weight_filler { value: 0.5 } } }")
    x = np.random.default_rng(0).normal(size=(5, 1, 3)).astype(np.float32)
    whole = net.forward(x=x, cont=[[0]] + [[1]] * 4)["y"]
    assert whole.shape == (5, 1, 4)
    begun = net.forward(x=x[:3], cont=[[0], [1], [1]])["y"]
    rest = net.forward(x=x[3:], cont=[[1], [1]])["y"]
    np.testing.assert_allclose(np.concatenate([begun, rest]), whole, atol=1e-6)
