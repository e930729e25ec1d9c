"""Trained nets from the wild through pycaffe: each blob is what pycaffe itself gave."""

import pytest

import scalpel_rt.pycaffe as caffe
from tests.golden.judge import difference
from tests.models.test_blobs import MODELS, feed
from tests.models.test_blobs import caffe as expected


@pytest.mark.parametrize("model", MODELS)
def test_blobs(shared, model):
    folder = shared / "models" / model
    net = caffe.Net(str(folder / "deploy.prototxt"), str(folder / "weights.caffemodel"), caffe.TEST)
    name, outputs, want = expected(shared, model)
    assert net.outputs == outputs
    x = feed(net, name)
    net.blobs[name].reshape(*x.shape)
    net.blobs[name].data[...] = x
    out = net.forward()
    for blob, value in want.items():
        why = difference(out[blob] if blob in out else net.blobs[blob].data, value)
        assert why is None, f"{blob}: {why}"


def test_half_of_a_net_and_the_other_half(shared):
    folder = shared / "models" / "cifar10_resnet20"
    net = caffe.Net(str(folder / "deploy.prototxt"), str(folder / "weights.caffemodel"), caffe.TEST)
    name, outputs, want = expected(shared, "cifar10_resnet20")
    x = feed(net, name)
    net.blobs[name].reshape(*x.shape)
    net.blobs[name].data[...] = x
    middle = net._layer_names[len(net.layers) // 2]
    net.forward(end=middle)
    net.forward(start=net._layer_names[len(net.layers) // 2 + 1])
    for blob, value in want.items():
        assert difference(net.blobs[blob].data, value) is None, blob
