"""Trained nets from the wild: every blob that Caffe computed for them."""

import numpy as np
import pytest

import scalpel_rt as srt
from scalpel_rt import isa
from scalpel_rt.graph.wiring import split_names
from scalpel_rt.runtime.reference import ReferencePlan
from tests.golden.judge import difference

MODELS = [
    "cifar10_full_v1", "cifar10_quick_v1", "cifar10_resnet20", "dns_lenet300100_original", "dns_lenet300100_sparse",
    "dns_lenet5_original", "dns_lenet5_sparse", "lenet_bvlc_a", "mtcnn_det1", "mtcnn_det2", "mtcnn_det3",
    "squeezenet_v1.0_deepcompression", "ultraface_slim320"]
WITHOUT_BLOBS = ["hyperlpr_finemapping", "res10_ssd_face"]     # Caffe itself cannot run these


def load(shared, model):
    folder = shared / "models" / model
    return srt.load(folder / "deploy.prototxt", folder / "weights.caffemodel")


def caffe(shared, model):
    """(name of the input, names of the outputs, {name: value}) as Caffe computed them, for :func:`feed`."""
    with np.load(shared / "models" / model / "caffe_blobs.npz") as held:
        found = {name.replace("|", "/"): held[name] for name in held.files}
    return str(found.pop("__input")), [str(name) for name in found.pop("__outputs")], found


def feed(net, name):
    """The input that Caffe's blobs were made from: a batch of one."""
    return np.random.RandomState(0).rand(1, *net.blobs[name].shape[1:]).astype(np.float32)


def check(got, want):
    wrong = {name: why for name, value in want.items() if (why := difference(got(name), value, floor=0)) is not None}
    assert not wrong


@pytest.mark.parametrize("level", isa.runnable())
@pytest.mark.parametrize("model", MODELS)
def test_blobs(shared, model, level):
    net = load(shared, model)
    net.options = srt.Options(isa=level)
    name, outputs, want = caffe(shared, model)
    assert net.outputs == outputs and len(want) >= 1
    got = net.forward({name: feed(net, name)})
    check(got.__getitem__, {name: want[name] for name in outputs})      # from the plan that fuses what it can
    check(lambda name: net.blobs[name].data, want)                      # and from the one that keeps everything
    got = net.forward()
    check(got.__getitem__, {name: want[name] for name in outputs})


@pytest.mark.parametrize("model", MODELS)
def test_reference(shared, model):
    net = load(shared, model)
    name, _, want = caffe(shared, model)
    x = feed(net, name)
    net.reshape({name: x.shape})
    plan = ReferencePlan(net.graph, "all")
    plan.run(x)
    final = {**split_names(net.graph), **net.graph.final_blobs()}
    check(lambda name: plan.value(final[name]), want)


@pytest.mark.parametrize("level", isa.runnable())
@pytest.mark.parametrize("model", WITHOUT_BLOBS)
def test_against_the_reference(shared, model, level):
    net = load(shared, model)
    net.options = srt.Options(isa=level)
    x = np.random.RandomState(0).rand(*net.blobs["data"].shape).astype(np.float32)
    (got,) = net.forward(data=x).values()
    plan = ReferencePlan(net.graph)
    want = plan.run(x)
    assert want.size and np.isfinite(want).all()
    assert difference(got, want) is None


def test_every_model_is_tested(shared):
    assert sorted([*MODELS, *WITHOUT_BLOBS]) == sorted(p.name for p in (shared / "models").iterdir() if p.is_dir())
