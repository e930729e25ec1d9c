"""The nets under models/ are what their cards say."""

import json
from pathlib import Path

import numpy as np
import pytest

import scalpel_rt as srt
from scalpel_rt.caffe import read_prototxt
from scalpel_rt.pruning.scalpel import RATES
from scalpel_rt.pruning.sizes import measure
from scalpel_rt.pruning.weights import zeros

from .test_accuracy import right

MODELS = Path(__file__).parents[2] / "models"
ABOUT = json.loads((MODELS / "nets.json").read_text())
MEASURED = json.loads((MODELS / "measured.json").read_text())
EVERY = [(net, variant) for net, found in MEASURED.items() for variant in found]
#: points of accuracy that may be lost
BUDGET = {"mnist": 0.1, "cifar10": 0.3}


def load(net, variant):
    return srt.load(*(MODELS / net / name for name in MEASURED[net][variant]["files"]))


@pytest.mark.parametrize("net, variant", EVERY)
def test_weights_and_bytes(net, variant):
    said, held = MEASURED[net][variant], load(net, variant)
    layers, total = measure(held.graph)
    gone = zeros(held.graph)
    assert total.bytes == said["bytes"]
    assert sum(size - zero for zero, size in gone.values()) == said["nonzeros"]
    assert {name: size.form for name, size in layers.items()} == {
        name: layer["form"] for name, layer in said["layers"].items()}
    x = np.random.default_rng(0).random((2, *held.graph.inputs[0].shape[1:]))
    held.reshape(**{held.inputs[0]: x.shape})
    assert np.allclose(held.forward({held.inputs[0]: x})[held.outputs[0]].reshape(2, -1).sum(1), 1, atol=1e-5)


@pytest.mark.parametrize("net, variant", [pair for pair in EVERY if pair[1] != "dense"])
def test_little_was_lost(net, variant):
    dense, pruned = MEASURED[net]["dense"], MEASURED[net][variant]
    assert pruned["accuracy"] >= dense["accuracy"] - BUDGET[ABOUT[net]["data"]] - 1e-9
    assert pruned["bytes"] < 0.65 * dense["bytes"]


@pytest.mark.parametrize("net, variant", EVERY)
def test_accuracy(request, net, variant):
    about, said = ABOUT[net], MEASURED[net][variant]
    data = request.getfixturevalue(about["data"])
    if about["data"] == "mnist":
        at = slice(0, None)
    else:       # a part, for the time that it takes; how many of it were right was not kept
        at = slice(0, 2000)
    mean = None if about["mean"] is None else np.float32(about["mean"]).reshape(-1, 1, 1)
    data = data.with_transform(scale=about["scale"], mean=mean).subset(at)
    held = load(net, variant)
    held.reshape(**{held.inputs[0]: (500, *data.shape)})
    found = right(held, held.outputs[0], data)
    slack = 1 if len(data) == 10000 else 50     # an image within rounding of the border; 2.5 points of a sample
    assert abs(found - said["accuracy"] / 100 * len(data)) <= slack


def test_rates_are_those_of_the_nets():
    """What Scalpel expects to be able to remove lies among what was removed here."""
    for kind, axes in (("conv", 4), ("fc", 2)):
        shares = {"groups": [], "nodes": []}
        for net, found in MEASURED.items():
            sizes = {node.name: node.params[0].shape for node in load(net, "dense").graph.nodes if node.params}
            for name, layer in found["simd"]["layers"].items() if "simd" in found else ():
                if len(sizes[name]) == axes:
                    shares["groups"].append(layer["zeros"] / layer["weights"])
            if "nodes" in found:
                left = {node.name: node.params[0].shape[0] for node in load(net, "nodes").graph.nodes if node.params}
                shares["nodes"] += [1 - left[name] / shape[0] for name, shape in sizes.items()
                                    if len(shape) == axes and left[name] < shape[0]]
        for technique, seen in shares.items():
            assert min(seen) <= RATES[kind][technique] <= max(seen), (kind, technique, seen)


def test_all_together_are_small_enough_to_ship():
    assert sum(path.stat().st_size for path in MODELS.rglob("*") if path.is_file()) < 25e6


def test_alexnet_has_the_authors_counts():
    made = {}
    for layer in read_prototxt(MODELS / "alexnet" / "nodes.prototxt").layer:
        n = layer.convolution_param.num_output or layer.inner_product_param.num_output
        if n:
            name = layer.name[:5] if layer.name.startswith("conv") else layer.name
            made[name] = made.get(name, 0) + n
    assert made == {"conv1": 83, "conv2": 225, "conv3": 233, "conv4": 238, "conv5": 253, "fc6": 3001, "fc7": 3029,
                    "fc8": 1000}
