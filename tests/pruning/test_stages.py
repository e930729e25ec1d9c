"""Pruning in stages: sparsity holds through retraining, the budget is kept, killed runs go on as they were."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (the extra `train`): retraining is not tested")

from scalpel_rt.datasets import Dataset  # noqa: E402
from scalpel_rt.errors import DataError, FormatError, OptionsError, ShapeError, WeightsError  # noqa: E402
from scalpel_rt.graph.params import with_arrays  # noqa: E402
from scalpel_rt.pruning import magnitude, nodes  # noqa: E402
from scalpel_rt.pruning.sizes import measure  # noqa: E402
from scalpel_rt.pruning.stages import Stage, prune_and_retrain, rising  # noqa: E402
from scalpel_rt.pruning.weights import apply_masks  # noqa: E402
from scalpel_rt.sparse import Groups, smallest  # noqa: E402
from scalpel_rt.train.loop import accuracy, fit  # noqa: E402
from scalpel_rt.train.recipe import Recipe  # noqa: E402
from scalpel_rt.train.to_torch import TorchNet, from_torch  # noqa: E402

from ..graph.nets import graph, input_layer  # noqa: E402
from .judge import randomize  # noqa: E402
from .nets import conv, fc, some  # noqa: E402

NET = (input_layer("x", 1, 2, 4, 4) + conv("c", "x", 8) + some("ReLU", "c", "r") + fc("f", "r", 32)
       + some("ReLU", "f", "s") + fc("z", "s", 3))
RECIPE = Recipe(epochs=3, batch=25, lr=0.02, schedule="cosine", weight_decay=5e-4, seed=3)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 200)
    return Dataset((rng.standard_normal((200, 2, 4, 4)) + 2 * labels[:, None, None, None]).astype(np.float32), labels)


@pytest.fixture(scope="module")
def trained(data):
    whole = randomize(graph(NET))
    for node in whole.nodes:
        for param in node.params:
            param.array = param.array * np.float32(0.2)
    module = TorchNet(whole)
    fit(module, data, RECIPE.but(epochs=20))
    return from_torch(whole, module)


def arrays(graph_):
    return [param.array for node in graph_.nodes for param in node.params]


def array(graph_, layer):
    return next(node for node in graph_.nodes if node.name == layer).params[0].array


def test_groups_stay_zero_while_sparsity_rises(trained, data):
    before = [a.copy() for a in arrays(trained)]
    stages = rising("simd", 0.8, 3, width=8, layers=["f", "c"], scope="global")
    assert [s.options["sparsity"] for s in stages] == [pytest.approx(v, abs=1e-5) for v in (0.562963, 0.770370, 0.8)]
    result = prune_and_retrain(trained, data, stages, recipe=RECIPE, test=data)
    assert [row["accepted"] for row in result.log] == [True] * 3
    f = array(result.graph, "f")
    assert isinstance(smallest(f), Groups) and smallest(f).width == 8
    zeros = sum(int(np.count_nonzero(array(result.graph, n) == 0)) for n in "fc")
    total = sum(array(result.graph, n).size for n in "fc")
    assert 0.8 <= zeros / total < 0.8 + 8 / total
    assert not np.array_equal(array(result.graph, "z"), array(trained, "z")) and array(result.graph, "z").all()
    assert result.accuracy == accuracy(TorchNet(result.graph), data, RECIPE) > 90
    for a, b in zip(arrays(trained), before, strict=True):
        assert (a == b).all(), "the graph given was changed"
    row = result.log[-1]
    layers, size = measure(result.graph)
    assert row["bytes"] == size.bytes and row["layers"]["f"]["form"] == layers["f"].form == "group in 8"


def test_zeros_of_one_stage_stay_in_the_next(trained, data):
    stages = [Stage("magnitude", {"sparsity": {"c": 0.5}}), Stage("simd", {"sparsity": {"f": 0.7}, "width": 4}),
              Stage("nodes", {"keep": {"f": 20}})]
    graph_ = prune_and_retrain(trained, data, stages, recipe=RECIPE).graph
    assert np.count_nonzero(array(graph_, "c") == 0) == array(graph_, "c").size / 2
    assert array(graph_, "f").shape == (20, 128) and np.count_nonzero(array(graph_, "f") == 0) > 0.4 * 20 * 128


@pytest.mark.parametrize("stage", [
    Stage("nodes", {"keep": {"f": range(20)}}), Stage("nodes", {"penalty": {"f": 0.01}}, learn=RECIPE.but(lr=0.01)),
    Stage("magnitude", {"sparsity": {"f": 0.95}})], ids=["nodes", "learnt", "weights"])
def test_zeros_of_the_net_that_is_given_stay(trained, data, stage):
    """A net that was pruned before is retrained as it is: what is zero in it is no weight."""
    pruned = apply_masks(trained, magnitude.masks(trained, sparsity={"c": 0.75}))
    result = prune_and_retrain(pruned, data, [stage], recipe=RECIPE)
    assert not result.log[0].get("skipped")
    assert ((array(result.graph, "c") == 0) == (array(pruned, "c") == 0)).all()
    assert not np.array_equal(array(result.graph, "c"), array(pruned, "c")) and array(result.graph, "z").all()


def test_a_layer_of_zeros_is_trained(trained, data):
    """It was never trained, as a new last layer that starts at 0."""
    masks = magnitude.masks(trained, sparsity={"c": 0.75})
    new = apply_masks(trained, masks)
    next(node for node in new.nodes if node.name == "z").params[0].array = np.zeros((3, 32), np.float32)
    graph_ = prune_and_retrain(new, data, [Stage("nodes", {"keep": {"f": 20}})], recipe=RECIPE).graph
    assert array(graph_, "z").all() and not array(graph_, "c").all()


class TestNothingIsTrainedBeforeAnError:
    """What can be told at the beginning is told there, and not behind hours of work."""

    @pytest.fixture
    def refused(self, trained, data):
        before = [a.copy() for a in arrays(trained)]

        def run(error, match, stages=(), **options):
            rows, given = [], {"data": data, "test": data, "graph": trained, "recipe": RECIPE, **options}
            stages = [Stage("magnitude", {"sparsity": 0.5}), *stages]
            with pytest.raises(error, match=match):
                prune_and_retrain(given.pop("graph"), given.pop("data"), stages, progress=rows.append, **given)
            assert not rows
            assert all((a == b).all() for a, b in zip(arrays(trained), before, strict=True))

        return run

    @pytest.mark.parametrize("part", ["data", "test"])
    def test_data_of_another_shape(self, refused, part):
        wrong = Dataset(np.zeros((20, 2, 5, 4), np.float32), np.zeros(20, np.int64))
        refused(ShapeError, r"\(2, 5, 4\).*\(2, 4, 4\)", **{part: wrong})

    def test_labels_that_the_net_has_not(self, refused):
        refused(DataError, "3 classes", test=Dataset(np.zeros((20, 2, 4, 4), np.float32), np.full(20, 3)))

    @pytest.mark.parametrize("stage, match", [
        (Stage("simd", {"sparsity": 1.5}), r"in \[0, 1\), not 1.5"),
        (Stage("simd", {"sparsity": 0.5, "width": 3}), "not 3"),
        (Stage("simd", {"sparsity": 0.5, "axis": "up"}), "axis"),
        (Stage("magnitude", {"sparsity": 0.5, "scope": "all"}), "scope"),
        (Stage("magnitude", {"sparsity": {"nobody": 0.5}}), "nobody"),
        (Stage("magnitude", {}), "sparsity, threshold, quality"),
        (Stage("simd", {"quality": 0.3}), "no option 'quality'; it takes width, axis"),
        (Stage("nodes", {"threshold": 0.1}), "no option 'threshold'; it takes keep, sparsity"),
        (Stage("nodes", {"penalty": 0.1, "scope": "global"}), "that learns has no option 'scope'"),
        (Stage("nodes", {"keep": {"nobody": 3}}), "nobody"),
        (Stage("nodes", {"keep": 3}), "keep must be"),
        (Stage("nodes", {"sparsity": 0.5, "criterion": "luck"}), "luck"),
        (Stage("nodes", {"penalty": {"nobody": 0.1}}), "nobody"),
        (Stage("nodes", {"penalty": float("nan")}), "penalty.*nan"),
        (Stage("nodes", {"penalty": {"f": -1.0}}), "penalty.*-1.0"),
        (Stage("nodes", {"penalty": "much"}), "penalty.*'much'"),
        (Stage("magnitude", {"sparsity": 0.6}, budget=-1), "budget.*-1"),
        (Stage("magnitude", {"sparsity": 0.6}, recipe=RECIPE.but(crop=9)), "9 pixels")])
    def test_a_later_stage_that_is_none(self, refused, stage, match):
        refused(OptionsError, match, [stage])

    @pytest.mark.parametrize("budget", [float("nan"), -5, float("inf"), "much"])
    def test_a_budget_that_is_none(self, refused, budget):
        refused(OptionsError, "budget", budget=budget)

    @pytest.mark.parametrize("layer, number", [("c", 0), ("z", 0), ("f", 1)])
    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_a_parameter_that_is_no_number(self, refused, trained, layer, number, value):
        broken = with_arrays(trained, {})
        param = next(node for node in broken.nodes if node.name == layer).params[number]
        param.array = np.where(np.arange(param.array.size).reshape(param.shape) == 1, np.float32(value), param.array)
        refused(WeightsError, f"{layer!r}.*NaN or an infinity", graph=broken)


def test_the_budget_stops_a_ladder_and_the_last_good_step_counts(trained, data):
    stages = [*rising("magnitude", 0.6, 2, ladder="a"),
              Stage("nodes", {"keep": {"c": 1, "f": 1}}, ladder="a"), Stage("magnitude", {"sparsity": 0.7}, ladder="a"),
              Stage("magnitude", {"sparsity": 0.65}, ladder="b")]
    result = prune_and_retrain(trained, data, stages, recipe=RECIPE, test=data, budget=2.0)
    assert [row["accepted"] for row in result.log] == [True, True, False, False, True]
    assert [row.get("skipped", False) for row in result.log] == [False, False, False, True, False]
    assert array(result.graph, "f").shape == (32, 128)
    assert result.accuracy >= result.dense_accuracy - 2 and result.accuracy == result.log[-1]["accuracy"]


def test_everything_fails(trained, data):
    result = prune_and_retrain(trained, data, [Stage("nodes", {"keep": {"c": 1, "f": 1}})], recipe=RECIPE, test=data,
                               budget=0.0)
    assert result.accuracy == result.dense_accuracy and not result.log[0]["accepted"]
    assert all((a == b).all() for a, b in zip(arrays(result.graph), arrays(trained), strict=True))


def test_masks_are_learnt_and_nodes_removed(trained, data):
    learn = RECIPE.but(epochs=4, lr=0.01, schedule="fixed")
    stages = [Stage("nodes", {"penalty": {"f": 0.01}}, learn=learn), Stage("nodes", {"penalty": {"c": 0}}, learn=learn)]
    result = prune_and_retrain(trained, data, stages, recipe=RECIPE, test=data)
    assert 1 <= len(array(result.graph, "f")) < 32 and len(array(result.graph, "c")) == 8
    assert result.log[1]["skipped"] and result.accuracy > 90


@pytest.mark.parametrize("last", [("retrain", 2, 1), ("learn", 1, 2), ("retrain", 1, 3), ("row", 2, None)])
def test_a_killed_run_goes_on_to_the_same_result(trained, data, tmp_path, last):
    stages = [Stage("nodes", {"penalty": {"f": 0.01}}, learn=RECIPE.but(lr=0.01)),
              *rising("simd", 0.6, 2, width=8, layers=["f"])]

    class Killed(Exception):
        pass

    def kill(row):
        what = "row" if "row" in row else row["what"]
        if (what, row["stage"], row.get("epoch") if "loss" in row else None) == last:
            raise Killed

    want = prune_and_retrain(trained, data, stages, recipe=RECIPE, test=data)
    with pytest.raises(Killed):
        prune_and_retrain(trained, data, stages, recipe=RECIPE, test=data, folder=tmp_path, progress=kill)
    seen = []
    got = prune_and_retrain(trained, data, stages, recipe=RECIPE, test=data, folder=tmp_path, progress=seen.append)
    assert min(row["stage"] for row in seen) >= last[1]
    for a, b in zip(arrays(got.graph), arrays(want.graph), strict=True):
        assert (a == b).all()
    assert got.accuracy == want.accuracy and got.dense_accuracy == want.dense_accuracy
    again = prune_and_retrain(trained, data, stages, recipe=RECIPE, test=data, folder=tmp_path)
    assert again.log == got.log and not list(tmp_path.glob("*.checkpoint"))


def test_progress_tells_what_is_left(trained, data):
    rows = []
    prune_and_retrain(trained, data, rising("magnitude", 0.5, 2), recipe=RECIPE, progress=rows.append)
    done = [row for row in rows if "seconds" in row]
    assert len(done) == 6 and all(row["stages"] == 2 for row in rows)
    assert rows[0]["left"] is None and done[0]["left"] > done[-1]["left"] == 0


def test_another_run_in_the_folder(trained, data, tmp_path):
    prune_and_retrain(trained, data, rising("magnitude", 0.5, 1), recipe=RECIPE.but(epochs=1), folder=tmp_path)
    with pytest.raises(OptionsError, match="another run, with other stages"):
        prune_and_retrain(trained, data, rising("magnitude", 0.6, 1), recipe=RECIPE.but(epochs=1), folder=tmp_path)
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(FormatError, match="run.json.*not the state"):
        prune_and_retrain(trained, data, rising("magnitude", 0.5, 1), recipe=RECIPE.but(epochs=1), folder=tmp_path)
    (tmp_path / "run.json").write_text(json.dumps([]))
    with pytest.raises(FormatError, match="run.json.*not the state"):
        prune_and_retrain(trained, data, rising("magnitude", 0.5, 1), recipe=RECIPE.but(epochs=1), folder=tmp_path)


def test_a_folder_from_before_an_option_of_recipes_was_there(trained, data, tmp_path):
    recipe = RECIPE.but(epochs=1)
    stages = [Stage("magnitude", {"sparsity": 0.5}, recipe=recipe)]
    done = prune_and_retrain(trained, data, stages, recipe=recipe, folder=tmp_path)
    state = json.loads((tmp_path / "run.json").read_text())
    del state["recipe"]["power"], state["stages"][0]["recipe"]["power"]
    (tmp_path / "run.json").write_text(json.dumps(state))
    assert prune_and_retrain(trained, data, stages, recipe=recipe, folder=tmp_path).log == done.log
    (tmp_path / "run.json").write_text(json.dumps({**state, "stages": [3]}))
    with pytest.raises(FormatError, match="run.json.*not the state"):
        prune_and_retrain(trained, data, stages, recipe=recipe, folder=tmp_path)


def test_bad_options(trained, data):
    with pytest.raises(OptionsError, match="budget needs test data"):
        prune_and_retrain(trained, data, [], recipe=RECIPE, budget=1)
    with pytest.raises(OptionsError, match="magnitude, simd, nodes"):
        Stage("magic")
    with pytest.raises(OptionsError, match=r"in \(0, 1\)"):
        rising("magnitude", 1.5, 3)
    with pytest.raises(OptionsError, match="no layer 'conv'"):
        prune_and_retrain(trained, data, [Stage("nodes", {"penalty": {"conv": 1}})], recipe=RECIPE)


def test_what_rises():
    """The curve of Zhu and Gupta, for one number or one a layer, of sparsities, thresholds and qualities."""
    share = [1 - (1 - i / 3) ** 3 for i in (1, 2, 3)]
    for way, target in (("sparsity", 0.9), ("threshold", 0.5), ("quality", 2.0)):
        got = [s.options for s in rising("magnitude", target, 3, way=way, scope="global")]
        assert got == [{way: pytest.approx(target * s, abs=1e-6), "scope": "global"} for s in share]
    got = [s.options["sparsity"] for s in rising("simd", {"c": 0.5, "f": 0.9}, 3)]
    assert got == [{"c": pytest.approx(0.5 * s, abs=1e-6), "f": pytest.approx(0.9 * s, abs=1e-6)} for s in share]
    small = [s.options["threshold"] for s in rising("simd", 4e-7, 3, way="threshold")]
    assert small == [pytest.approx(4e-7 * s, rel=1e-6) for s in share]
    with pytest.raises(OptionsError, match="'c'.*threshold to reach must be a number above 0, not -1"):
        rising("simd", {"c": -1}, 3, way="threshold")
    with pytest.raises(OptionsError, match="sparsity, threshold, quality, not 'sparsty'"):
        rising("simd", 0.5, 3, way="sparsty")


@pytest.mark.parametrize("count, share, stages, left", [(16, 0.5, 2, 8), (64, 0.75, 2, 16), (36, 0.5, 3, 20)])
def test_shares_of_nodes_add_up(count, share, stages, left):
    """Rounded down in each stage, but by no more than that."""
    net = randomize(graph(input_layer("x", 1, 4) + fc("f", "x", count) + fc("z", "f", 2)))
    for stage in rising("nodes", share, stages):
        net = nodes.prune(net, **stage.options)
    assert len(array(net, "f")) == left


def test_the_share_of_nodes_that_is_reached(trained, data):
    """Each stage sees the nodes that are left, and asks for a share of those, rounded down."""
    stages = rising("nodes", 0.5, 3, layers=["f"])
    assert 1 - np.prod([1 - stage.options["sparsity"] for stage in stages]) == pytest.approx(0.5, abs=1e-5)
    result = prune_and_retrain(trained, data, stages, recipe=RECIPE.but(epochs=1))
    assert array(result.graph, "f").shape == (17, 128)


def test_thresholds_rise(trained, data):
    stages = rising("magnitude", {"f": 0.5}, 2, way="quality")
    done = [np.count_nonzero(array(prune_and_retrain(trained, data, stages[:n], recipe=RECIPE).graph, "f"))
            for n in (1, 2)]
    assert array(trained, "f").size > done[0] > done[1] > 0
