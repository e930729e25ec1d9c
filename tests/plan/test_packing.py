"""Sparse weights are packed once: what a file holds is taken as it is, what one shape needed serves the next."""

import gc
import weakref
from collections import Counter

import numpy as np
import pytest

import scalpel_rt as srt
from scalpel_rt.graph.params import with_arrays
from scalpel_rt.net import Net
from scalpel_rt.plan import candidates
from scalpel_rt.plan.forms import _slices
from scalpel_rt.plan.forms._sparse import parts_of
from scalpel_rt.plan.forms._sparse_conv import SparseConv
from scalpel_rt.plan.spec import Op
from scalpel_rt.sparse import Csr, Groups, known, unpacked

from ..graph.nets import graph, input_layer, layer
from ..sparse.test_formats import random

NET = (input_layer("x", 1, 16, 9, 9)
       + layer("Convolution", "x", "c", "convolution_param { num_output: 16 kernel_size: 3 group: 2 }")
       + layer("InnerProduct", "c", "f", "inner_product_param { num_output: 64 }"))


@pytest.fixture
def calls(monkeypatch):
    """Counts what packs and unpacks."""
    counted = Counter()

    def count(name, function):
        def call(*args):
            counted[name] += 1
            return function(*args)

        return call

    for cls in (Csr, Groups):
        monkeypatch.setattr(cls, "from_dense", count(f"{cls.__name__}.from_dense", cls.from_dense))
        monkeypatch.setattr(cls, "dense", count(f"{cls.__name__}.dense", cls.dense))
    monkeypatch.setattr(_slices, "slices", count("slices", _slices.slices))
    monkeypatch.setattr(SparseConv, "_packed", count("SparseConv.packs", SparseConv._packed))
    return counted


def pruned(width):
    """NET with groups along the inputs, most of them zeros."""
    rng = np.random.default_rng(0)
    net = Net(graph(NET))
    for name in ("c", "f"):
        weights = net.params[name][0]
        w = rng.standard_normal(weights.shape).astype(np.float32).reshape(weights.shape[0], -1)
        stored = Groups.from_dense(w, width, "in")
        stored.values[rng.random(len(stored.values)) < 0.9] = 0
        weights.data = stored.dense().reshape(weights.shape)
    return net


def image(n):
    return np.random.default_rng(n).standard_normal((n, 16, 9, 9)).astype(np.float32)


@pytest.fixture
def stored(tmp_path):
    pruned(8).save(tmp_path / "n.safetensors")
    return tmp_path / "n.safetensors"


def only(monkeypatch, form, width):
    """Leave no kernels for matrices but those of one form and width."""
    every = candidates.kernels_of
    monkeypatch.setattr(candidates, "kernels_of", lambda kind: [
        k for k in every(kind) if kind not in ("conv", "fc") or (k.form, k.group) == (form, width)])


@pytest.mark.parametrize("form, width, packed", [
    ("group_in", 8, {}), ("group_in", 4, {"Groups.from_dense": 3}), ("csr", 1, {"Csr.from_dense": 3})])
def test_nothing_is_packed_twice(form, width, packed, stored, calls, monkeypatch):
    """The convolution has two matrices to pack, the fully connected layer one; the file holds groups of 8."""
    only(monkeypatch, form, width)
    net = srt.load(stored)
    assert not calls
    first = net.forward(x=image(1))["f"]
    made = {"Groups.dense": 2, **packed, "slices": 1, "SparseConv.packs": 1}
    assert calls == made
    net.forward(x=image(2))
    plan = net.compile()
    assert (plan.clone_state().run(image(2)) == plan.run(image(2))).all()
    twin = Net(with_arrays(net.graph))
    assert (twin.forward(x=image(1))["f"] == first).all() and (net.forward(x=image(1))["f"] == first).all()
    assert calls == made
    net.forward(x=image(9))     # so many that they are the pixels of a convolution
    assert calls == {**made, "SparseConv.packs": 2}


@pytest.mark.parametrize("form, width", [("group_in", 8), ("group_in", 4), ("group_out", 8), ("csr", 1)])
def test_what_a_file_holds_gives_the_same_bits(form, width, stored, monkeypatch):
    only(monkeypatch, form, width)
    for n in (1, 2, 9):
        assert srt.load(stored).forward(x=image(n))["f"].tobytes() == pruned(8).forward(x=image(n))["f"].tobytes()


def test_weights_that_are_written_are_packed_anew(stored, calls, monkeypatch):
    only(monkeypatch, "group_in", 8)
    net = srt.load(stored)
    before = net.forward(x=image(1))["f"]
    twin = Net(with_arrays(net.graph))
    net.params["f"][0].data[...] *= 2
    bias = net.params["f"][1].data
    assert np.allclose(net.forward(x=image(1))["f"] - bias, 2 * (before - bias), atol=1e-4)
    assert calls["Groups.from_dense"] == 1
    net.params["f"][0].data[...] = 0
    assert (net.forward(x=image(1))["f"] == bias).all()
    assert (twin.forward(x=image(1))["f"] == before).all(), "another net over the same file"


def test_all_is_freed_with_the_net(stored, monkeypatch):
    only(monkeypatch, "group_in", 4)
    net = srt.load(stored)
    net.forward(x=image(1))
    array = net.layers[1].params[0].array
    gone = [weakref.ref(part) for part in known(array.reshape(16, -1))[2, ("in", 4)]]
    net.forward(x=image(9))
    assert all(part() for part in gone)
    del net, array
    gc.collect()
    assert not any(part() for part in gone)


@pytest.mark.parametrize("m", [16, 24])
@pytest.mark.parametrize("axis, width", [(None, 1), ("in", 8), ("in", 4), ("out", 4), ("out", 8)])
def test_the_bands_of_a_stored_matrix_are_those_of_the_groups(axis, width, m):
    """With 24 outputs in 2 convolution groups, blocks of 8 do not end where a group does."""
    w = random((m, 21), 0.8)
    matrix = Csr.from_dense(w) if axis is None else Groups.from_dense(w, width, axis)

    def parts(w):
        return parts_of(Op("conv", "c", (), (), {"group": 2}, {"w": w.reshape(m, 7, 1, 3)}), axis, width)

    for part, wanted in zip(parts(unpacked(matrix)), parts(w), strict=True):
        assert part.shape == wanted.shape and part.values.tobytes() == wanted.values.tobytes()
        assert (part.ptr == wanted.ptr).all() and (part.idx == wanted.idx).all()
