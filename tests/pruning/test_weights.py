"""Traditional and SIMD-aware pruning against their definitions, written out."""

import math
import resource
from contextlib import contextmanager

import numpy as np
import pytest

import scalpel_rt as srt
from scalpel_rt import isa
from scalpel_rt.errors import OptionsError, ShapeError, WeightsError
from scalpel_rt.net import Net
from scalpel_rt.pruning import magnitude, simd
from scalpel_rt.pruning.choose import at_least

from ..graph.nets import LENET, graph, input_layer, layer
from .judge import randomize
from .nets import conv, fc

NET = (input_layer("x", 1, 4, 5, 5) + conv("a", "x", 10) + conv("b", "a", 6, "group: 2", kernel=1) + fc("c", "b", 9)
       + fc("d", "c", 3, "transpose: true"))


@pytest.fixture
def net():
    return Net(randomize(graph(NET)))


def array(net, name):
    return net.params[name][0].data


class TestMagnitude:
    @pytest.mark.parametrize("share", [0, 0.07, 0.5, 0.57, 0.999])
    def test_sparsity_by_layer(self, net, share):
        for (name, index), mask in magnitude.masks(net.graph, sparsity=share).items():
            w = np.abs(array(net, name))
            assert index == 0 and mask.shape == w.shape
            assert np.count_nonzero(~mask) == min(math.ceil(round(share * w.size, 6)), w.size - 1)
            assert not (~mask).any() or w[~mask].max() <= w[mask].min()

    def test_sparsity_of_all_together(self, net):
        net.params["a"][0].data *= 10
        masks = magnitude.masks(net.graph, sparsity=0.6, scope="global")
        sizes = {name: mask.size for (name, _), mask in masks.items()}
        assert sum(np.count_nonzero(~m) for m in masks.values()) == math.ceil(0.6 * sum(sizes.values()))
        gone = np.concatenate([np.abs(array(net, n))[~m] for (n, _), m in masks.items()])
        kept = np.concatenate([np.abs(array(net, n))[m] for (n, _), m in masks.items()])
        assert gone.max() <= kept.min()
        assert masks["a", 0].mean() > 0.9

    def test_threshold(self, net):
        for (name, _), mask in magnitude.masks(net.graph, threshold={"b": 0.5, "d": 0.1}).items():
            assert name in ("b", "d")
            assert (mask == (np.abs(array(net, name)) >= {"b": 0.5, "d": 0.1}[name])).all()

    def test_quality_is_a_threshold_in_standard_deviations(self, net):
        net.params["a"][0].data[:5] = 0
        w = array(net, "a")
        masks = magnitude.masks(net.graph, quality=0.8)
        assert (masks["a", 0] == (np.abs(w) >= 0.8 * w[5:].std(dtype=np.float64))).all()
        everything = np.concatenate([array(net, n)[array(net, n) != 0] for n in "abcd"])
        masks = magnitude.masks(net.graph, quality=0.8, scope="global")
        assert (masks["c", 0] == (np.abs(array(net, "c")) >= 0.8 * everything.std(dtype=np.float64))).all()

    def test_what_is_zero_already_counts(self, net):
        net.params["a"][0].data.reshape(-1)[::2] = 0
        mask = magnitude.masks(net.graph, sparsity=0.5, layers=["a"])["a", 0]
        assert (mask == (array(net, "a") != 0)).all()
        once = srt.prune(net, "magnitude", sparsity=0.7)
        twice = srt.prune(once, "magnitude", sparsity=0.9)
        for name in "abcd":
            assert not array(twice, name)[array(once, name) == 0].any()


class TestSimd:
    @pytest.mark.parametrize("width", [2, 4, 8, 16])
    @pytest.mark.parametrize("name", list("abcd"))
    @pytest.mark.parametrize("axis", ["in", "out"])
    def test_groups_by_threshold(self, net, width, name, axis):
        """Loops over the definition: aligned groups, starting anew with each group of a convolution along the
        outputs."""
        w = array(net, name)
        matrix = w.T if name == "d" else w.reshape(len(w), -1)
        parts = 2 if name == "b" else 1
        want = np.ones(matrix.shape, bool)
        t = 0.9
        if axis == "in":
            for row in range(matrix.shape[0]):
                for start in range(0, matrix.shape[1], width):
                    group = matrix[row, start:start + width].astype(np.float64)
                    want[row, start:start + width] = math.sqrt((group ** 2).mean()) >= t
        else:
            each = matrix.shape[0] // parts
            for column in range(matrix.shape[1]):
                for part in range(parts):
                    for start in range(part * each, (part + 1) * each, width):
                        stop = min(start + width, (part + 1) * each)
                        group = matrix[start:stop, column].astype(np.float64)
                        want[start:stop, column] = math.sqrt((group ** 2).mean()) >= t
        mask = simd.masks(net.graph, width=width, axis=axis, threshold=t, layers=[name])[name, 0]
        assert mask.shape == w.shape and not mask.all() and mask.any()
        assert ((mask.T if name == "d" else mask.reshape(matrix.shape)) == want).all()

    @pytest.mark.parametrize("axis", ["in", "out"])
    @pytest.mark.parametrize("scope", ["layer", "global"])
    @pytest.mark.parametrize("share", [0.3, 0.7, 0.92])
    def test_sparsity(self, net, axis, scope, share):
        masks = simd.masks(net.graph, width=8, axis=axis, sparsity=share, scope=scope)
        for pruned in masks.values() if scope == "layer" else [np.concatenate([m.ravel() for m in masks.values()])]:
            gone = np.count_nonzero(~pruned)
            assert share * pruned.size <= gone < share * pruned.size + 8 or (pruned.any() and pruned.size < 100)

    def test_the_tail_is_judged_by_what_it_has(self):
        small = Net(graph(input_layer("x", 1, 10) + fc("f", "x", 2)))
        small.params["f"][0].data[...] = [[1] * 8 + [1.1, 1.1], [1] * 8 + [0.9, 0.9]]
        mask = simd.masks(small.graph, width=8, sparsity=0.1)["f", 0]
        assert (~mask).tolist() == [[False] * 10, [False] * 8 + [True] * 2]

    def test_a_group_whose_first_weight_is_zero_is_not_empty(self):
        small = Net(graph(input_layer("x", 1, 16) + fc("f", "x", 1)))
        small.params["f"][0].data[...] = [[0] * 7 + [9] + [1] * 8]
        assert simd.masks(small.graph, width=8, threshold=2)["f", 0].ravel().tolist() == [True] * 8 + [False] * 8

    def test_native_is_as_wide_as_the_vectors(self, net, monkeypatch):
        for level, width in (("scalar", 4), ("sse41", 4), ("avx2", 8), ("avx512", 16)):
            if level in isa.runnable():
                monkeypatch.setenv("SCALPEL_ISA", level)
                native, given = (simd.masks(net.graph, width=w, sparsity=0.5) for w in ("native", width))
                assert all((native[key] == given[key]).all() for key in given)


def test_units_go_until_enough_weights_have_gone():
    scores, sizes = np.array([3.0, 1.0, 2.0, 1.0]), np.array([8, 8, 2, 8])
    assert at_least(0.0, scores, sizes).tolist() == [True, True, True, True]
    assert at_least(0.30, scores, sizes).tolist() == [True, False, True, True]
    assert at_least(0.31, scores, sizes).tolist() == [True, False, True, False]
    assert at_least(0.999, scores, sizes).tolist() == [True, False, False, False]


class TestPrune:
    """The public function."""

    @pytest.mark.parametrize("method, options", [("magnitude", {}), ("simd", {"width": 4}), ("simd", {"axis": "out"})])
    def test_weights_become_zero_and_the_net_given_stays(self, net, method, options):
        before = {name: [view.data.copy() for view in views] for name, views in net.params.items()}
        small = srt.prune(net, method, sparsity=0.8, **options)
        for name, views in small.params.items():
            w, b = before[name]
            assert np.count_nonzero(views[0].data == 0) >= 0.8 * w.size - 1
            assert (views[0].data[views[0].data != 0] == w[views[0].data != 0]).all() and (views[1].data == b).all()
            views[1].data[...] = 7
        for name, arrays in before.items():
            assert all((view.data == a).all() for view, a in zip(net.params[name], arrays, strict=True))

    def test_shared_weights_stay_shared(self):
        text = input_layer("x", 1, 6) + "".join(
            fc(top, bottom, 6, "bias_term: false", 'param { name: "w" }') for bottom, top in (("x", "f"), ("f", "g")))
        small = srt.prune(Net(randomize(graph(text))), "magnitude", sparsity={"g": 0.5})
        f, g = (node.params[0] for node in small.layers[1:])
        assert f is g and np.count_nonzero(f.array) == 18
        with pytest.raises(OptionsError, match="'g'.*shares its weights with layer 'f'"):
            srt.prune(small, "magnitude", sparsity={"f": 0.5, "g": 0.7})

    def test_it_runs_and_saves(self, tmp_path):
        net = Net(randomize(graph(LENET)))
        small = srt.prune(net, "simd", sparsity=0.6)
        x = np.random.default_rng(0).random((2, 1, 12, 12))
        small.save(tmp_path / "p", tmp_path / "w")
        again = srt.load(tmp_path / "p", tmp_path / "w")
        assert np.allclose(small.forward(data=x)["prob"], again.forward(data=x)["prob"])

    @pytest.mark.parametrize("method, options, words", [
        ("magnitude", {"sparsity": 1.0}, r"sparsity must be in \[0, 1\), not 1.0"),
        ("magnitude", {"sparsity": -0.1}, "sparsity must be"),
        ("magnitude", {"sparsity": math.nan}, "sparsity must be"),
        ("magnitude", {"sparsity": True}, "sparsity must be"),
        ("magnitude", {"sparsity": "much"}, "sparsity must be"),
        ("magnitude", {"sparsity": {"a": 0.5, "b": 2}}, "'b'.*sparsity must be"),
        ("magnitude", {"threshold": math.inf}, "threshold must be"),
        ("magnitude", {"threshold": 1e9}, "'a'.*every weight"),
        ("magnitude", {"quality": -1}, "quality must be"),
        ("magnitude", {}, "give one of sparsity, threshold, quality, not none"),
        ("magnitude", {"sparsity": 0.5, "threshold": 1}, "not sparsity and threshold"),
        ("magnitude", {"sparsity": 0.5, "layers": ["conv"]}, "no layer 'conv'; it has a, b, c, d"),
        ("magnitude", {"sparsity": {"x": 0.5}}, "'x'.*type Input has no weights"),
        ("magnitude", {"sparsity": 0.5, "scope": "net"}, "scope must be one of layer, global, not 'net'"),
        ("magnitude", {"sparsity": {"a": 0.5}, "scope": "global"}, "exclude each other"),
        ("magnitude", {"sparsity": {"a": 0.5}, "layers": ["b"]}, "is given for a, layers for b"),
        ("simd", {"sparsity": 0.5, "width": 3}, "2, 4, 8, 16 weights.*not 3"),
        ("simd", {"sparsity": 0.5, "width": 32}, "not 32"),
        ("simd", {"sparsity": 0.5, "width": "wide"}, "not 'wide'"),
        ("simd", {"sparsity": 0.5, "width": True}, "not True"),
        ("simd", {"sparsity": 0.5, "axis": "up"}, "axis must be one of in, out, not 'up'"),
        ("simd", {"quality": 0.5}, "quality"),
        ("simd", {"threshold": 99}, "every weight"),
        ("lottery", {}, "'magnitude', 'simd' or 'nodes', not 'lottery'"),
    ])
    def test_bad_options(self, net, method, options, words):
        before = [view.data.copy() for views in net.params.values() for view in views]
        with pytest.raises((OptionsError, TypeError), match=words):
            srt.prune(net, method, **options)
        assert all((view.data == a).all() for view, a in
                   zip((v for views in net.params.values() for v in views), before, strict=True))

    @pytest.mark.parametrize("method", ["magnitude", "simd", "nodes"])
    def test_nan(self, net, method):
        net.params["b"][0].data[1, 1] = np.nan
        with pytest.raises(WeightsError, match="'b'.*NaN"):
            srt.prune(net, method, sparsity=0.5)

    @pytest.mark.parametrize("method", ["magnitude", "simd", "nodes"])
    def test_an_unknown_shape(self, method):
        net = Net(graph(NET.replace("dim: 1 dim: 4", "dim: 0 dim: 4")))
        with pytest.raises(ShapeError, match="reshape"):
            srt.prune(net, method, sparsity=0.5)

    def test_nothing_to_prune(self):
        with pytest.raises(OptionsError, match="no convolution"):
            srt.prune(Net(graph(input_layer("x", 1, 4) + layer("ReLU", "x", "y"))), "magnitude", sparsity=0.5)


@contextmanager
def full_disk(left=200):
    """Files of this process cannot grow beyond ``left`` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (left, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("name", ["net.caffemodel", "net.caffemodel.h5", "net.safetensors"])
def test_a_full_disk(net, tmp_path, name):
    small = srt.prune(net, "simd", sparsity=0.5, width=8)
    before = [view.data.copy() for views in small.params.values() for view in views]
    target = tmp_path / name
    target.write_bytes(b"as it was")

    def save():
        small.save(*([target] if name.endswith(".safetensors") else [None, target]))

    with full_disk(), pytest.raises(OSError):
        save()
    assert target.read_bytes() == b"as it was" and list(tmp_path.iterdir()) == [target]
    assert all((view.data == a).all() for view, a in
               zip((v for views in small.params.values() for v in views), before, strict=True))
    save()
    assert target.stat().st_size > 200
