"""Training learns, repeats itself, survives a kill, and keeps masks."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (the extra `train`): training is not tested")

from scalpel_rt.caffe import parse_prototxt  # noqa: E402
from scalpel_rt.datasets import Dataset, open_data  # noqa: E402
from scalpel_rt.errors import DataError, FormatError, GraphError, OptionsError, ShapeError  # noqa: E402
from scalpel_rt.graph import build  # noqa: E402
from scalpel_rt.train.loop import accuracy, augment, fit  # noqa: E402
from scalpel_rt.train.masks import WeightMasks  # noqa: E402
from scalpel_rt.train.recipe import Recipe, from_solver  # noqa: E402
from scalpel_rt.train.to_torch import TorchNet  # noqa: E402

from ..graph.nets import graph, input_layer  # noqa: E402
from ..pruning.nets import fc  # noqa: E402

NET = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 2 dim: 4 dim: 4 } } }
layer { name: "f1" type: "InnerProduct" bottom: "x" top: "f1"
        inner_product_param { num_output: 16 weight_filler { type: "xavier" } } }
layer { name: "r1" type: "ReLU" bottom: "f1" top: "f1" }
layer { name: "drop" type: "Dropout" bottom: "f1" top: "f1" dropout_param { dropout_ratio: 0.1 } }
layer { name: "f2" type: "InnerProduct" bottom: "f1" top: "f2"
        inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "prob" type: "Softmax" bottom: "f2" top: "prob" }
"""
POOLED = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 2 dim: 4 dim: 4 } } }
layer { name: "conv" type: "Convolution" bottom: "x" top: "conv"
        convolution_param { num_output: 3 kernel_size: 1 weight_filler { type: "xavier" } } }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool" pooling_param { pool: AVE global_pooling: true } }
"""
RECIPE = Recipe(epochs=6, batch=32, lr=0.1, schedule="cosine", seed=5)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 600)
    return Dataset((rng.standard_normal((600, 2, 4, 4)) + labels[:, None, None, None]).astype(np.float32), labels)


@pytest.fixture
def module():
    return TorchNet(build(parse_prototxt(NET)))


def weights(module):
    return b"".join(a.tobytes() for a in module.arrays().values())


def test_learns(module, data):
    assert accuracy(module, data, RECIPE) < 70
    log = fit(module, data, RECIPE, test=data)
    assert len(log) == 6 and log[-1]["loss"] < log[0]["loss"] and log[-1]["accuracy"] > 95


def test_same_seed_same_bits_and_a_killed_run_resumes_to_them(module, data, tmp_path):
    fit(module, data, RECIPE)
    again = TorchNet(module.graph)

    class Killed(Exception):
        pass

    def kill(row):
        if row["epoch"] == 3:
            raise Killed

    with pytest.raises(Killed):
        fit(again, data, RECIPE, checkpoint=tmp_path / "ck", progress=kill)
    resumed = TorchNet(module.graph)
    log = fit(resumed, data, RECIPE, checkpoint=tmp_path / "ck")
    assert len(log) == 6 and weights(resumed) == weights(module)


def test_hooks_are_on_the_device_before_the_optimiser_takes_their_parameters(module, data):
    calls = []

    class Hook:
        def to(self, device):
            calls.append(("to", device))

        def parameter_groups(self):
            calls.append("parameter_groups")
            return []

    fit(module, data, RECIPE.but(epochs=1), hooks=[Hook()])
    assert calls == [("to", torch.device("cpu")), "parameter_groups"]


def test_a_checkpoint_is_read_on_the_cpu_whatever_device_wrote_it(module, data, tmp_path, monkeypatch):
    """It says itself where its tensors were; that device may not be here."""
    fit(module, data, RECIPE.but(epochs=1), checkpoint=tmp_path / "ck")
    asked, load = [], torch.load

    def look(*args, **options):
        asked.append(options.get("map_location"))
        return load(*args, **options)

    monkeypatch.setattr(torch, "load", look)
    fit(module, data, RECIPE.but(epochs=1), checkpoint=tmp_path / "ck")
    assert asked == ["cpu"]


@pytest.mark.parametrize("content", [b"", b"\x80\x02.", b"\x80\x02a.", b"\x80\x02\x87.", b"\x80\x02M\x01", b"PK\3\4",
                                     b"cos\nsystem\n(S'false'\ntR."])
def test_what_is_no_checkpoint(module, data, tmp_path, content):
    (tmp_path / "ck").write_bytes(content)
    with pytest.raises(FormatError, match="ck.*is no checkpoint"):
        fit(module, data, RECIPE, checkpoint=tmp_path / "ck")


def test_a_checkpoint_of_another_recipe_is_refused(module, data, tmp_path):
    fit(module, data, RECIPE.but(epochs=1), checkpoint=tmp_path / "ck")
    before = weights(module)
    with pytest.raises(OptionsError, match="ck: .*with epochs 1 instead of 6, lr 0.1 instead of 0.2"):
        fit(module, data, RECIPE.but(lr=0.2), checkpoint=tmp_path / "ck")
    assert weights(module) == before


def test_weight_masks_hold(module, data):
    mask = np.arange(16 * 32).reshape(16, 32) % 3 == 0
    fit(module, data, RECIPE.but(epochs=2), hooks=[WeightMasks(module, {("f1", 0): mask})])
    w = module.arrays()["f1", 0]
    assert not w[~mask].any() and w[mask].all()


@pytest.mark.parametrize("change, words", [
    ({"images": np.zeros((600, 2, 4, 5), np.float32)}, r"samples of shape \(2, 4, 5\).*'x' takes \(2, 4, 4\)"),
    ({"labels": np.arange(600) % 4}, "labels from 0 to 3.*'f2' has 3 classes"),
    ({"labels": np.arange(600) % 3 - 1}, "labels from -1 to 1"),
    ({"labels": np.zeros(600)}, "labels of float64"),
    ({"labels": np.zeros((600, 2), int)}, "labels of int64, shape"),
])
def test_data_that_do_not_fit(module, data, change, words):
    with pytest.raises((ShapeError, DataError), match=words):
        fit(module, replace(data, **change), RECIPE)
    with pytest.raises((ShapeError, DataError), match=words):
        fit(module, data, RECIPE, test=replace(data, **change))


def test_answers_that_do_not_fit(module, data):
    with pytest.raises(ShapeError, match=r"answers of shape \(2,\).*'prob' has \(3,\)"):
        fit(module, replace(data, labels=np.zeros((600, 2), np.float32)), RECIPE.but(loss="euclidean"))
    with pytest.raises(OptionsError, match="no blob 'score'"):
        fit(module, data, RECIPE.but(scores="score"))


def test_divergence_is_an_error(module, data):
    with pytest.raises(GraphError, match="diverged"):
        fit(module, data, RECIPE.but(lr=1e30, momentum=0.99))


@pytest.mark.parametrize("change, words", [
    *[({name: value}, f"{name} must be a number of at least 0, not")
      for name in ("epochs", "lr", "momentum", "weight_decay", "gamma", "power", "warmup")
      for value in (-1, float("nan"), float("inf"), "1", None)],
    *[({name: value}, f"{name} must be a whole number of at least")
      for name, values in {"batch": (0, -1, 1.5, float("nan")), "crop": (-1, 0.5)}.items() for value in values],
    *[({"seed": value}, "seed must be a whole number from 0") for value in (-1, 0.5, 2**48)],
    ({"schedule": "sine"}, "schedule must be one of fixed, step"),
    ({"schedule": "step"}, "schedule step needs one number in steps"),
    ({"schedule": "step", "steps": (1, 2)}, "schedule step needs one number in steps"),
    ({"schedule": "multistep"}, "schedule multistep needs steps"),
    *[({"schedule": "step", "steps": steps}, "steps must be numbers above 0, in epochs, not")
      for steps in ((0.0,), (-1,), (float("nan"),), (float("inf"),), ("1",), 3, "12")],
])
def test_recipes_are_checked(change, words):
    with pytest.raises(OptionsError, match=words):
        Recipe(**change)


def test_schedules():
    assert Recipe(lr=1, schedule="step", steps=(2,), gamma=0.5).rate(4) == 0.25
    assert Recipe(lr=1, schedule="multistep", steps=(1, 3), gamma=0.5).rate(2) == 0.5
    assert Recipe(lr=1, schedule="cosine", epochs=10).rate(5) == pytest.approx(0.5)
    assert Recipe(lr=1, schedule="inv", gamma=1.5, power=0.5).rate(2) == pytest.approx(0.5)
    poly = Recipe(lr=1, schedule="poly", power=2, epochs=10)
    assert (poly.rate(0), poly.rate(5), poly.rate(10)) == (1, 0.25, 0)
    assert Recipe(lr=1, warmup=2).rate(1) == 0.5


def solver(text, samples=1000, batch=10):
    return from_solver(parse_prototxt(text, message="SolverParameter"), samples, batch)


def test_a_caffe_solver_says_the_same():
    recipe = solver('base_lr: 0.1 lr_policy: "step" stepsize: 200 gamma: 0.5 max_iter: 1000 momentum: 0.8 '
                    "weight_decay: 0.001")
    assert (recipe.epochs, recipe.steps) == (10, (2.0,))
    assert (recipe.lr, recipe.momentum) == (pytest.approx(0.1), pytest.approx(0.8))


@pytest.mark.parametrize("policy, rate", [
    ('"fixed"', lambda i: 1),
    ('"step" stepsize: 300 gamma: 0.5', lambda i: 0.5 ** (i // 300)),
    ('"multistep" stepvalue: 150 stepvalue: 600 gamma: 0.5', lambda i: 0.5 ** ((i >= 150) + (i >= 600))),
    ('"inv" gamma: 0.0001 power: 0.75', lambda i: (1 + 0.0001 * i) ** -0.75),      # Caffe's LeNet
    ('"poly" power: 0.5', lambda i: (1 - i / 1000) ** 0.5),
])
def test_a_solver_has_the_rates_of_caffe_at_each_iteration(policy, rate):
    recipe = solver(f"base_lr: 0.25 max_iter: 1000 iter_size: 2 lr_policy: {policy}", samples=5120, batch=8)
    for iteration in range(0, 1000, 50):
        assert recipe.rate(iteration * 16 / 5120) == pytest.approx(0.25 * rate(iteration), rel=1e-6)


@pytest.mark.parametrize("text, words", [
    ('type: "Adam"', "Adam"),
    ("base_lr: 0.1", "max_iter must be above 0, not 0"),
    ("base_lr: 0.1 max_iter: -5", "max_iter must be above 0, not -5"),
    ("max_iter: 100", "base_lr must be above 0, not 0.0"),
    ("max_iter: 100 base_lr: nan", "base_lr must be above 0, not nan"),
    ('max_iter: 100 base_lr: 0.1 lr_policy: "step"', "lr_policy step needs a stepsize above 0"),
    ('max_iter: 100 base_lr: 0.1 lr_policy: "step" stepsize: -1', "lr_policy step needs a stepsize above 0"),
    ('max_iter: 100 base_lr: 0.1 lr_policy: "multistep"', "lr_policy multistep needs a stepvalue above 0"),
    ('max_iter: 100 base_lr: 0.1 lr_policy: "multistep" stepvalue: 9 stepvalue: 0', "needs a stepvalue above 0"),
    ('max_iter: 100 base_lr: 0.1 lr_policy: "sigmoid"', "sigmoid is not offered; fixed, step, multistep, inv and poly"),
    ("max_iter: 100 base_lr: 0.1 momentum: -1", "momentum must be"),
    ("max_iter: 100 base_lr: 0.1 solver_type: ADAGRAD", "AdaGrad"),
    ('max_iter: 100 base_lr: 0.1 solver_type: SGD type: "SGD"', "twice"),
])
def test_a_solver_that_cannot_be_followed_is_refused(text, words):
    with pytest.raises(OptionsError, match=words):
        solver(text)


def test_a_solver_that_names_its_optimiser_the_old_way():
    assert solver("max_iter: 100 base_lr: 0.1 solver_type: NESTEROV").nesterov
    assert not solver("max_iter: 100 base_lr: 0.1 solver_type: SGD").nesterov


def test_a_checkpoint_from_before_an_option_was_there(module, data, tmp_path):
    fit(module, data, RECIPE.but(epochs=1), checkpoint=tmp_path / "ck")
    held = torch.load(tmp_path / "ck", weights_only=True)
    del held["recipe"]["power"]
    torch.save(held, tmp_path / "ck")
    assert len(fit(module, data, RECIPE.but(epochs=1), checkpoint=tmp_path / "ck")) == 1
    with pytest.raises(OptionsError, match="power 0.75 instead of 0.5"):
        fit(module, data, RECIPE.but(epochs=1, power=0.5), checkpoint=tmp_path / "ck")


@pytest.mark.parametrize("before", [[], [{}]], ids=["without hooks", "with an empty state"])
def test_a_checkpoint_from_before_zeros_were_held(module, data, tmp_path, before):
    """It goes on, and what is held is zero from there on."""
    fit(module, data, RECIPE.but(epochs=1), checkpoint=tmp_path / "ck")
    held = torch.load(tmp_path / "ck", weights_only=True)
    torch.save({**held, "hooks": before}, tmp_path / "ck")
    again = TorchNet(module.graph)
    key, weight = next(iter(again.weights.items()))
    mask = np.arange(weight.numel()).reshape(weight.shape) % 2 == 0
    assert len(fit(again, data, RECIPE.but(epochs=1), checkpoint=tmp_path / "ck",
                   hooks=[WeightMasks(again, {key: mask})])) == 1
    assert ((again.weights[key].detach().numpy() != 0) <= mask).all()


@pytest.mark.parametrize("kind", ["shift", "flip", "flip-shift", "flip-crop"])
def test_augmentation_moves_pixels_and_keeps_the_shape(kind):
    x = np.random.default_rng(0).random((8, 3, 9, 9)).astype(np.float32)
    y = augment(x, kind, np.random.default_rng(1))
    assert y.shape == x.shape and not np.array_equal(x, y)
    assert np.array_equal(y, augment(x, kind, np.random.default_rng(1)))


def test_windows_for_the_first_three_quarters(module, data):
    x = np.random.default_rng(0).random((8, 3, 9, 9)).astype(np.float32)
    y = augment(x, "none", np.random.default_rng(1), crop=7)
    assert y.shape == (8, 3, 7, 7)
    assert all(any(np.array_equal(a[:, i:i + 7, j:j + 7], b) for i in range(3) for j in range(3))
               for a, b in zip(x, y, strict=True))


def test_a_run_sees_windows_for_three_quarters_and_whole_images_then(data):
    net = TorchNet(build(parse_prototxt(POOLED)))
    seen = []

    class Look:
        def before(self, node, tensors):
            if node.name == "conv":
                seen.append(tuple(tensors[0].shape[2:]))
            return tensors

    fit(net, data, replace(RECIPE, epochs=4, crop=3), hooks=[Look()])
    steps = len(seen) // 4
    assert seen == [(3, 3)] * (3 * steps) + [(4, 4)] * steps


def test_windows_that_the_net_cannot_take(module, data):
    with pytest.raises(ShapeError, match="f1"):
        fit(module, data, replace(RECIPE, crop=3))
    with pytest.raises(OptionsError, match="5 pixels"):
        fit(module, data, replace(RECIPE, crop=5))


def test_bfloat16_products_with_float32_weights(module, data):
    log = fit(module, data, replace(RECIPE, precision="bf16"), test=data)
    assert log[-1]["accuracy"] > 95 and all(w.dtype == torch.float32 for w in module.weights.values())
    plain = TorchNet(module.graph)
    fit(plain, data, RECIPE)
    assert weights(plain) != weights(module)


def test_a_euclidean_loss_finds_a_line():
    rng = np.random.default_rng(0)
    x, slope = rng.standard_normal((400, 5)).astype(np.float32), rng.standard_normal((5, 2)).astype(np.float32)
    line = TorchNet(graph(input_layer("x", 1, 5) + fc("y", "x", 2)))
    log = fit(line, Dataset(x, x @ slope + 1), Recipe(epochs=30, batch=20, lr=0.1, loss="euclidean", weight_decay=0))
    assert log[-1]["loss"] < 1e-6 < 0.1 < log[0]["loss"]
    assert np.allclose(line.weights["y", 0].detach().numpy(), slope.T, atol=1e-3)


def test_a_torch_dataset_trains_like_its_arrays(module, data):
    own = open_data(torch.utils.data.TensorDataset(torch.from_numpy(data.images), torch.from_numpy(data.labels)))
    before = {key: weight.detach().clone() for key, weight in module.weights.items()}
    logs = []
    for part in (data, own):
        with torch.no_grad():
            for key, weight in module.weights.items():
                weight.copy_(before[key])
        logs.append([row["loss"] for row in fit(module, part, RECIPE.but(epochs=1))])
    assert logs[0] == logs[1]
