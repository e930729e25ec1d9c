"""Nets written in the tests."""

import json

from scalpel_rt.caffe import parse_prototxt, upgrade_net
from scalpel_rt.graph import build

LENET = """
name: "small"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 1 dim: 12 dim: 12 } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
        convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1" pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "ip1" type: "InnerProduct" bottom: "pool1" top: "ip1"
        inner_product_param { num_output: 5 weight_filler { type: "gaussian" std: 0.1 } bias_filler { value: 0.5 } } }
layer { name: "relu1" type: "ReLU" bottom: "ip1" top: "ip1" }
layer { name: "prob" type: "Softmax" bottom: "ip1" top: "prob" }
"""


def message(text, dialect="any"):
    """The upgraded NetParameter of a prototxt."""
    return upgrade_net(parse_prototxt(text, dialect=dialect))


def graph(text, *args, **options):
    """The graph of a prototxt."""
    return build(message(text), *args, **options)


def input_layer(name="x", *shape):
    """An Input layer's text."""
    dims = " ".join(f"dim: {d}" for d in shape)
    name = json.dumps(name)
    return f'layer {{ name: {name} type: "Input" top: {name} input_param {{ shape {{ {dims} }} }} }}\n'


def layer(type, bottoms, tops, more="", name=None):
    """A layer's text; ``bottoms`` and ``tops`` are names joined by blanks; it is called like its first top."""
    lines = [f"bottom: {json.dumps(b)}" for b in bottoms.split()] + [f"top: {json.dumps(t)}" for t in tops.split()]
    called = json.dumps(name or (tops.split() or [type])[0])
    return f'layer {{ name: {called} type: "{type}" {" ".join(lines)} {more} }}\n'
