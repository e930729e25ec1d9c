"""Mask layers: they mask what removal removes, learn by the straight-through gradient, switch with hysteresis."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (the extra `train`): training is not tested")

from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from scalpel_rt.datasets import Dataset  # noqa: E402
from scalpel_rt.pruning.couple import couple  # noqa: E402
from scalpel_rt.pruning.nodes import removable  # noqa: E402
from scalpel_rt.pruning.remove import remove  # noqa: E402
from scalpel_rt.train.loop import accuracy, fit  # noqa: E402
from scalpel_rt.train.masks import NodeMasks, NodeSettings, WeightMasks  # noqa: E402
from scalpel_rt.train.recipe import Recipe  # noqa: E402
from scalpel_rt.train.to_torch import TorchNet, from_torch  # noqa: E402

from ..graph.nets import graph, input_layer  # noqa: E402
from ..pruning.judge import feeds, randomize  # noqa: E402
from ..pruning.nets import DATA, conv, fc, some  # noqa: E402
from ..pruning.test_nodes_random import nets  # noqa: E402


def masked(text, penalty, options=None):
    whole = randomize(graph(text))
    module = TorchNet(whole)
    return whole, module, NodeMasks(module, couple(whole), penalty, options or NodeSettings())


def outputs(module, arrays, hook=None):
    graph_ = module.graph
    with torch.no_grad():
        found = module.eval()({b.name: torch.from_numpy(a) for b, a in zip(graph_.inputs, arrays, strict=True)},
                              hook and hook.before)
    return {b.name: found[b.name].numpy() for b in graph_.outputs}


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(nets(), st.integers(0, 2**32))
def test_a_mask_is_what_removal_takes(text, seed):
    whole = randomize(graph(text))
    coupling = couple(whole)
    module = TorchNet(whole)
    masks = NodeMasks(module, coupling, dict.fromkeys(coupling.makers, 1.0))
    able = removable(coupling, np.arange(coupling.size))
    drawn = torch.from_numpy(np.random.default_rng(seed).random(coupling.size) < 0.5)
    with torch.no_grad():
        masks.beta[drawn & torch.from_numpy(able)] = 0.1
    masks.after_step(0.0)
    assert not masks.gone()[~able].any()
    try:
        small = remove(coupling, masks.gone())
    except ValueError as error:     # outputs of a group without inputs, which masks do not rule out
        assert "would be removed" in str(error)
        return
    arrays = feeds(whole)
    want, got = outputs(module, arrays, masks), outputs(TorchNet(small), arrays)
    for name in want:
        np.testing.assert_allclose(got[name], want[name], rtol=1e-4, atol=1e-4 * max(1, np.abs(want[name]).max()))


def test_the_gradient_is_straight_through():
    """dL/dbeta of a node is dL/dalpha, also while alpha is 0: the change of the loss when the node is scaled."""
    whole, module, masks = masked(DATA + conv("a", "data") + some("ReLU", "a", "r") + fc("z", "r"), {"a": 1.0})
    a = torch.from_numpy(masks.coupling.makers["a"])
    masks.alpha[a[1]] = 0
    x = torch.from_numpy(feeds(whole)[0])

    def loss(alpha):
        masks.alpha = alpha
        return (module({"data": x}, masks.before)["z"] ** 2).sum()

    alpha = masks.alpha.clone()
    loss(alpha).backward()
    for node in (0, 1, 4):
        h = torch.zeros_like(alpha)
        h[a[node]] = 1e-2
        with torch.no_grad():
            slope = (loss(alpha + h) - loss(alpha - h)) / 2e-2
        assert masks.beta.grad[a[node]].item() == pytest.approx(slope.item(), rel=1e-3)


def test_switching_has_hysteresis():
    _, _, masks = masked(DATA + conv("a", "data") + fc("z", "a"), {"a": 1.0}, NodeSettings(0.8, 0.1, 0.95, 1.0))
    a = masks.coupling.makers["a"]

    def at(*betas):
        with torch.no_grad():
            masks.beta[a[:len(betas)]] = torch.tensor(betas)
        masks.after_step(0.0)
        return masks.alpha[a[:len(betas)]].tolist()

    assert at(0.79, 0.81, 0.95) == [0, 1, 1]
    assert at(0.89, 0.85, 0.79) == [0, 1, 0]
    assert at(0.91, 0.79, 0.81) == [1, 0, 0]
    assert masks.kept() == {"a": 4, "z": 5}
    masks.after_step(0.5)
    assert masks.beta[a[5]].item() == pytest.approx(0.95 - 0.5)
    masks.after_step(9.0)
    assert masks.kept()["a"] == 1, "the last node must stay"


def test_only_what_is_pulled_is_masked():
    text = DATA + conv("a", "data") + conv("b", "data") + some("Eltwise", "a b", "s") + conv("c", "s") + fc("z", "c")
    _, _, masks = masked(text, {"b": 0.1, "z": 0.2})
    makers = masks.coupling.makers
    assert masks.pull[makers["a"]].tolist() == masks.pull[makers["b"]].tolist() == [pytest.approx(0.1)] * 6
    assert not masks.pull[makers["c"]].any() and not masks.pull[makers["z"]].any()


def test_dropout_falls_with_the_root_of_the_connections():
    text = (DATA + conv("a", "data", 4) + fc("b", "data", 4) + fc("f", "a", 8) + some("ReLU", "f", "f")
            + some("Concat", "f b", "c") + some("Dropout", "f", "d", "dropout_ratio: 0.5")
            + some("Dropout", "c", "e", "dropout_ratio: 0.4") + some("Dropout", "data", "g")
            + fc("y", "d") + fc("z", "e"))
    whole = randomize(graph(text))
    module = TorchNet(whole)
    kept = np.zeros(tuple(module.weights["f", 0].shape), bool)
    kept[:2] = True
    WeightMasks(module, {("f", 0): kept})
    f, b = (module.weights[name, 0].numel() for name in "fb")
    ratios = {node.name: ratio for node, ratio in module.dropout.items()}
    assert ratios == {"d": pytest.approx(0.25), "e": pytest.approx(0.4 * ((f / 4 + b) / (f + b)) ** 0.5)}
    masks = NodeMasks(module, couple(whole), {"f": 1.0})
    with torch.no_grad():
        masks.beta[masks.coupling.makers["f"][:4]] = 0.1
    masks.after_step(0.0)
    assert {node.name: ratio for node, ratio in module.dropout.items()}["d"] == pytest.approx(0.125)


def test_dropout_follows():
    text = DATA + fc("a", "data", 10) + some("Dropout", "a", "d", "dropout_ratio: 0.6") + fc("z", "d")
    whole, module, masks = masked(text, {"a": 1.0})
    with torch.no_grad():
        masks.beta[masks.coupling.makers["a"][:5]] = 0
    masks.after_step(0.0)
    assert list(module.dropout.values()) == [pytest.approx(0.3)]
    torch.manual_seed(0)
    seen = module.train()({"data": torch.from_numpy(feeds(whole)[0]).repeat(200, 1, 1, 1)})["d"]
    assert (seen == 0).float().mean() == pytest.approx(0.3, abs=0.02)
    assert remove(masks.coupling, masks.gone()).nodes[2].layer.ratio == pytest.approx(0.3)


def test_nodes_that_carry_nothing_are_found():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 600)
    data = Dataset((rng.standard_normal((600, 32)) + labels[:, None]).astype(np.float32), labels)
    whole = randomize(graph(input_layer("x", 1, 32) + fc("f", "x", 16) + some("ReLU", "f", "r") + fc("z", "r", 3)))
    for node in whole.nodes[1::2]:
        node.params[0].array = node.params[0].array * np.float32(0.2)
        node.params[1].array = node.params[1].array * np.float32(0)
    whole.nodes[-1].params[0].array[:, 8:] = 0
    module = TorchNet(whole)
    masks = NodeMasks(module, couple(whole), {"f": 2e-3})
    recipe = Recipe(epochs=8, batch=32, lr=0.02, weight_decay=0, seed=5)
    fit(module, data, recipe, hooks=[masks])
    assert 1 <= masks.kept()["f"] < 16
    masked_accuracy = accuracy(module, data, recipe, hooks=[masks])
    small = TorchNet(remove(couple(from_torch(whole, module)), masks.gone()))
    assert masked_accuracy > 90 and accuracy(small, data, recipe) == masked_accuracy


def test_all_that_hooks_compute_with_moves_to_the_device():
    """To "meta", which every torch has."""
    text = DATA + conv("a", "data") + fc("b", "a", 8) + some("Dropout", "b", "d") + fc("z", "d")
    _, module, masks = masked(text, {"a": 1.0, "b": 1.0})
    held = WeightMasks(module, {("z", 0): np.ones(tuple(module.weights["z", 0].shape), bool)})
    masks.to(torch.device("meta"))
    held.to(torch.device("meta"))
    tensors = [masks.alpha, masks.beta, masks.pull, *masks._needs, *masks._dropouts.values(), *held.masks.values(),
               *(classes for _, classes in masks._gates.values())]
    assert len(tensors) > 8 and {tensor.device.type for tensor in tensors} == {"meta"}
    group, = masks.parameter_groups()
    assert group["params"][0] is masks.beta and masks.beta.requires_grad


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(
    not torch.cuda.is_available(), reason="torch sees no CUDA device: training there is not tested"))])
def test_a_killed_run_resumes_to_the_same_masks(device, tmp_path):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 200)
    data = Dataset((rng.standard_normal((200, 8)) + labels[:, None]).astype(np.float32), labels)
    text = input_layer("x", 1, 8) + fc("f", "x", 16) + some("ReLU", "f", "r") + fc("z", "r", 3)
    recipe = Recipe(epochs=4, batch=20, lr=0.02)

    def run(progress=None, checkpoint=None):
        _, module, masks = masked(text, {"f": 1e-2})
        held = WeightMasks(module, {("z", 0): np.arange(48).reshape(3, 16) % 5 > 0})
        fit(module, data, recipe, hooks=[held, masks], progress=progress, checkpoint=checkpoint, device=device)
        return masks.beta.detach().cpu().numpy(), masks.alpha.cpu().numpy()

    class Killed(Exception):
        pass

    def kill(row):
        if row["epoch"] == 2:
            raise Killed

    want = run()
    with pytest.raises(Killed):
        run(kill, tmp_path / "ck")
    for a, b in zip(run(checkpoint=tmp_path / "ck"), want, strict=True):
        assert a.tobytes() == b.tobytes()
    assert 0 < want[1].sum() < len(want[1])
