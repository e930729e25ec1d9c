"""Net descriptions of all kinds and ages: they build, and run forward with random weights."""

import numpy as np
import pytest

import scalpel_rt as srt
from scalpel_rt.caffe import read_prototxt, upgrade_net
from scalpel_rt.graph import build, reshape
from scalpel_rt.layers._base import count
from scalpel_rt.runtime.reference import ReferencePlan
from tests.conftest import SHARED
from tests.golden.judge import difference

FILES = sorted(path.stem for path in (SHARED / "prototxts").glob("*.prototxt")) or ["../shared"]

# What Caffe would not take either: part of the name -> what we say.
REFUSED = {
    "presets_fcn-16s": "both `layer` and `layers`",
    "pycaffe_linreg": "pyloss.EuclideanLossLayer.*allow_python",
    "rfcn_end2end_train": "AnchorTargetLayer.*allow_python",
}

# Part of a name -> arguments of build. These nets have data only in the phase or stage that they are for.
STATE = {
    "mnist_autoencoder": {"stages": ["test-on-test"]}, "MobileNetSSD_train": {"phase": "TRAIN"},
    "SSD_300x300_train": {"phase": "TRAIN"}, "presets_inceptionv3": {"phase": "TRAIN"},
    "inceptionv4_resnet": {"phase": "TRAIN"},
}
DROPPED = {"presets_inception": ["loss"]}   # layers left out: a loss without labels, which Caffe would not take

# Part of a name -> shapes of inputs that the file does not tell, or smaller ones. Otherwise: batch 1, the rest as told.
SHAPES = {
    "hdf5_classification": {"data": (1, 4), "label": (1,)}, "mnist": {"data": (1, 1, 28, 28)},
    "lenet_pruning": {"data": (1, 1, 28, 28)}, "cifar10": {"data": (1, 3, 32, 32)}, "cifar_": {"data": (1, 3, 32, 32)},
    "alexnet_train_val": {"data": (1, 3, 227, 227)}, "caffenet_train_val": {"data": (1, 3, 227, 227)},
    "age_net": {"data": (1, 3, 227, 227)}, "presets_nin": {"data": (1, 3, 224, 224)},
    "presets_googlenet": {"data": (1, 3, 224, 224)}, "presets_inception": {"data": (1, 3, 299, 299)},
    "segnet": {"data": (1, 3, 360, 480), "label": (1, 1, 360, 480)},
    "segnet_basic": {"data": (1, 3, 360, 480), "label": (1, 1, 360, 480)},
    "hed_train_val": {"data": (1, 3, 96, 96), "label": (1, 1, 96, 96)},
    "siftflow": {"data": (1, 3, 64, 64), "sem": (1, 1, 64, 64), "geo": (1, 1, 64, 64)},
    "voc-fcn": {"data": (1, 3, 64, 64), "label": (1, 1, 64, 64)},
    "openpose": {"image": (1, 3, 64, 64)}, "VGG_ILSVRC_16": {"data": (1, 3, 96, 96)}, "vdsr": {"data": (1, 1, 48, 48)},
    "vgg19": {"data": (1, 3, 96, 96)}, "vgg16": {"data": (1, 3, 96, 96)}, "ENet": {"data": (1, 3, 128, 256)},
    "fasterRCNN": {"data": (1, 3, 160, 192)}, "faster_rcnn": {"data": (1, 3, 224, 224)},
    "SSD_300x300_train": {"data": (1, 3, 300, 300), "label": (1, 1, 2, 8)},
    "MobileNetSSD_train": {"data": (1, 3, 300, 300), "label": (1, 1, 2, 8)},
    "coco_SSD": {"data": (1, 3, 300, 300), "label": (1, 1, 2, 8)}, "mininet": {"data": (1, 3, 256, 256)},
    "rfcn_end2end_train": {"data": (1, 3, 224, 224), "im_info": (1, 3), "gt_boxes": (2, 5)},
    "dcgan": {"feat": (64, 100)},    # its Reshape has the batch in it
    "anime_style": {"input": (1, 1, 48, 48)}, "upresnet10": {"input": (1, 3, 48, 48)},
}
SLOW = 25e6     # multiply-adds beyond which the reference is not asked too


def of(table, name):
    """The entry of the longest key that is a part of ``name``; None when there is none."""
    keys = [key for key in table if key in name]
    return table[max(keys, key=len)] if keys else None


def built(shared, name):
    message = upgrade_net(read_prototxt(shared / "prototxts" / f"{name}.prototxt"))
    dropped = of(DROPPED, name) or ()
    shapes = of(SHAPES, name) or {}
    for i in reversed(range(len(message.layer))):
        if message.layer[i].name in dropped:
            del message.layer[i]
    for layer in message.layer:     # before the parameters take their shapes from them
        if layer.type == "Input":
            for top, shape in zip(layer.top, layer.input_param.shape, strict=False):
                shape.dim[:] = shapes.get(top) or ([1, *shape.dim[1:]] if len(shape.dim) == 4 else shape.dim)
        for shape in layer.dummy_data_param.shape:
            shape.dim[0] = 1
    graph = build(message, **(of(STATE, name) or {}))
    inputs = {blob.name: blob.shape for blob in graph.inputs}
    given = {top: shape for top, shape in shapes.items() if top in inputs}
    for top, shape in inputs.items():
        if top not in given and shape is not None and len(shape) in (1, 4):
            given[top] = (1, *shape[1:])
    return reshape(graph, given)


def fill(graph):
    """Random weights with which values neither vanish nor explode: of variance 2/n, shifts small, scales near 1."""
    block = np.random.default_rng(0).standard_normal(1 << 20, np.float32)
    for node in graph.nodes:
        for i, param in enumerate(node.params):
            n = count(param.shape)
            factor, shift = (2 * param.shape[0] / n) ** 0.5 if len(param.shape) > 1 else 0.1, 0
            if node.type in ("BatchNorm", "BN"):
                factor, shift = 0, [0, 1, 1][i] if node.type == "BatchNorm" else [1, 0, 0, 1][i]
            elif node.type == "Scale" and i == 0:
                shift = 1
            piece = block[:n] * np.float32(factor) + np.float32(shift)
            values = np.empty(n, np.float32)
            for start in range(0, n, len(piece)):
                values[start:start + len(piece)] = piece[:n - start]
            param.array = values.reshape(param.shape)


def feed(graph):
    """Noise for images; labels 0; what detectors want to know."""
    rng = np.random.default_rng(1)
    arrays = {}
    for blob in graph.inputs:
        if blob.name == "im_info":
            arrays[blob.name] = [[*graph.inputs[0].shape[2:], 1]]
        elif blob.name == "rois":
            arrays[blob.name] = [[0, 3, 3, 40, 60]]
        elif blob.name == "label" and blob.shape == (1, 1, 2, 8):
            arrays[blob.name] = [[[[0, 1, 0, 0.1, 0.1, 0.6, 0.5, 0], [0, 2, 1, 0.3, 0.4, 0.9, 0.9, 0]]]]
        elif blob.name in ("label", "sem", "geo") or len(blob.shape) == 1:
            arrays[blob.name] = np.zeros(blob.shape)
        else:
            arrays[blob.name] = rng.random(blob.shape, np.float32)
    return arrays


@pytest.mark.parametrize("name", FILES)
def test_net(shared, name):
    refused = of(REFUSED, name)
    if refused is not None:
        with pytest.raises(srt.ScalpelError, match=refused):
            built(shared, name)
        return
    graph = built(shared, name)
    assert graph.ready
    fill(graph)
    net, arrays = srt.Net(graph), feed(graph)
    out = net.forward(arrays)
    assert list(out) == [blob.name for blob in graph.outputs]
    dynamic = any(node.layer.dynamic for node in graph.nodes)
    for blob in graph.outputs:
        assert not np.isnan(out[blob.name]).any()
        assert dynamic or out[blob.name].shape == blob.shape
    random = any(node.layer.phase == "TRAIN" and node.type == "Dropout" for node in graph.nodes)
    if net.summary().multiply_adds <= SLOW and not random:
        plan = ReferencePlan(graph)
        want = plan.run_all(*(np.asarray(arrays[blob.name], np.float32) for blob in graph.inputs))
        for blob, value in zip(graph.outputs, want, strict=True):
            assert difference(out[blob.name], value, rtol=1e-3) is None


def test_the_corpus_is_there(shared):
    assert len(FILES) == 106
