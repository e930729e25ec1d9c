"""Whole graphs: one Plan where all layers can be compiled, stages where some cannot."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from scalpel_rt.runtime._plan import Plan

from scalpel_rt import isa
from scalpel_rt.errors import GraphError, OptionsError, ShapeError
from scalpel_rt.graph import build
from scalpel_rt.layers import Layer, register, unregister
from scalpel_rt.options import Options
from scalpel_rt.plan.build import compile_graph
from scalpel_rt.plan.stages import CompiledStage, PythonStage, StagedPlan
from scalpel_rt.plan.turns import PlanInTurns
from scalpel_rt.runtime.reference import ReferencePlan
from tests.graph.nets import LENET, input_layer, layer, message


@pytest.fixture(autouse=True)
def types():
    """Layer types that cannot be lowered."""

    @register
    class Half(Layer):
        type = "Half"

        def forward(self, bottoms, params):
            return [bottoms[0] / 2]

    @register
    class Count(Layer):
        type = "Count"
        stateful = True

        def initial_state(self):
            return {"runs": 0}

        def forward(self, bottoms, params, state):
            state["runs"] += 1
            return [bottoms[0] + np.float32(state["runs"])]

    @register
    class Positive(Layer):
        """Keeps the images whose first number is positive."""

        type = "Positive"
        dynamic = True

        def forward(self, bottoms, params):
            return [bottoms[0][bottoms[0].reshape(len(bottoms[0]), -1)[:, 0] > 0]]

    yield
    for name in ("Half", "Count", "Positive"):
        unregister(name)


def graph(text):
    return build(message(text))


def agree(plan, text, *arrays):
    want = ReferencePlan(graph(text)).run_all(*arrays)
    got = plan.run_all(*arrays)
    for g, w in zip(got, want, strict=True):
        np.testing.assert_allclose(g, w, rtol=1e-5, atol=1e-6)


CONV = "convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: 'gaussian' std: 1 } }"
MIXED = (input_layer("x", 2, 3, 6, 6) + layer("Convolution", "x", "a", CONV) + layer("ReLU", "a", "b")
         + layer("Half", "b", "c") + layer("Convolution", "c", "d", CONV) + layer("Eltwise", "d d", "e"))
X = np.random.default_rng(0).normal(size=(2, 3, 6, 6)).astype(np.float32)


def test_a_net_that_lowers_is_one_plan():
    plan = compile_graph(graph(LENET))
    assert type(plan) is Plan
    agree(plan, LENET, np.random.default_rng(0).random(plan.inputs[0].shape, np.float32))


def test_a_python_layer_splits_the_net():
    plan = compile_graph(graph(MIXED))
    assert type(plan) is StagedPlan
    assert [type(stage) for stage in plan.stages] == [CompiledStage, PythonStage, CompiledStage]
    assert [row.kind for row in plan.explain()] == ["conv", "conv", "eltwise"]
    agree(plan, MIXED, X)
    agree(plan, MIXED, X[::-1])


def test_a_stage_runs_in_turns(monkeypatch):
    tiny = replace(isa.machine(), l2=256, l3=1 << 12)
    monkeypatch.setattr(isa, "machine", lambda: tiny)
    text, x = MIXED.replace("dim: 2 ", "dim: 8 ", 1), np.tile(X, (4, 1, 1, 1))
    plan = compile_graph(graph(text), Options(tune=False))
    assert [type(stage.plan) for stage in plan.stages[::2]] == [PlanInTurns] * 2 and len(plan.plans) == 2
    agree(plan, text, x)
    assert [row.turns > 1 for row, _ in plan.timed(x)] == [True, False, True, True]


def test_both_kinds_of_plan_have_one_face():
    for text in (LENET, MIXED):
        plan = compile_graph(graph(text))
        x = np.ones(plan.inputs[0].shape, np.float32)
        assert [slot.name for slot in plan.inputs] == ["x" if text is MIXED else plan.inputs[0].name]
        [out] = plan.outputs
        y = plan.run(x)
        assert y.shape == out.shape and plan.run_all(x)[0].shape == out.shape
        into = np.empty_like(y)
        assert plan.run(x, out=into) is into
        np.testing.assert_array_equal(into, y)
        np.testing.assert_array_equal(plan.clone_state().run(x), y)
        np.testing.assert_array_equal(plan.value(out.name), y)
        with pytest.raises(KeyError):
            plan.value("no such blob")
        for wrong, error in [((), ShapeError), ((x, x), ShapeError), ((x[:1, :1],), ShapeError),
                             ((x.astype(complex),), TypeError)]:
            with pytest.raises(error):
                plan.run(*wrong)
        for wrong in (np.empty(3, np.float32), y.astype(np.float64), (into, into)):
            with pytest.raises(ShapeError):
                plan.run(x, out=wrong)


@pytest.mark.parametrize("text", [LENET, MIXED], ids=["one plan", "stages"])
def test_kept_blobs_are_there_and_others_are_not(text):
    g = graph(text)
    blobs = [blob for node in g.nodes for blob in node.tops]
    x = np.random.default_rng(1).normal(size=g.inputs[0].shape).astype(np.float32)
    reference = ReferencePlan(g, keep="all")
    reference.run(x)
    everything = compile_graph(g, keep="all")
    everything.run(x)
    final = g.final_blobs()
    for name, blob in final.items():
        np.testing.assert_allclose(everything.value(blob), reference.value(blob), rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(everything.value(name), everything.value(blob))
    one = blobs[2]
    plan = compile_graph(g, keep=[one])
    plan.run(x)
    np.testing.assert_allclose(plan.value(one), reference.value(one), rtol=1e-5, atol=1e-6)
    with pytest.raises(KeyError):
        plan.value(blobs[1])


def test_what_is_kept_is_not_fused_away():
    g = graph(MIXED)
    a = next(node.tops[0] for node in g.nodes if node.tops[0].name == "a")
    assert [row.kind for row in compile_graph(g, keep=[a]).explain()] == ["conv", "unary", "conv", "eltwise"]


COUNTING = input_layer("x", 2, 3) + layer("Count", "x", "y") + layer("Power", "y", "z", "power_param { scale: 2 }")


def test_stateful_layers_remember():
    plan = compile_graph(graph(COUNTING))
    zero = np.zeros((2, 3), np.float32)
    assert [plan.run(zero)[0, 0] for _ in range(3)] == [2, 4, 6]
    twin = plan.clone_state()
    assert [plan.run(zero)[0, 0], twin.run(zero)[0, 0], twin.run(zero)[0, 0], plan.run(zero)[0, 0]] == [8, 8, 10, 10]


def test_state_can_be_handed_on():
    g, state, zero = graph(COUNTING), {}, np.zeros((2, 3), np.float32)
    compile_graph(g, state=state).run(zero)
    assert compile_graph(g, state=state).run(zero)[0, 0] == 4
    assert ReferencePlan(g, state=state).run(zero)[0, 0] == 6


DYNAMIC = (input_layer("x", 4, 3, 6, 6) + layer("ReLU", "x", "r") + layer("Positive", "x", "p")
           + layer("Convolution", "p", "c", CONV) + layer("Half", "c", "h") + layer("ReLU", "h", "y"))


def test_what_follows_a_dynamic_layer_is_planned_by_what_comes():
    plan = compile_graph(graph(DYNAMIC))
    x = np.random.default_rng(0).normal(size=(4, 3, 6, 6)).astype(np.float32)
    for signs in [(1, 1, 1, 1), (1, -1, -1, 1), (-1, 1, -1, 1), (1, -1, 1, 1)]:
        x[:, 0, 0, 0] = signs
        r, y = plan.run(x)
        assert r.shape == (4, 3, 6, 6) and y.shape == (signs.count(1), 4, 4, 4)
        agree(plan, DYNAMIC, x)
    tails = plan._chain.tails
    assert [key[0][0] for key in tails] == [4, 2, 3]
    first = tails[next(iter(tails))]
    x[:, 0, 0, 0] = 1
    plan.run(x)
    assert first is tails[next(reversed(tails))]                 # planned once for each shape


def test_nothing_may_be_left_behind_a_dynamic_layer():
    plan = compile_graph(graph(DYNAMIC))
    x = -np.ones((4, 3, 6, 6), np.float32)
    r, y = plan.run(x)
    assert y.shape == (0, 4, 4, 4) and not r.any()


def test_old_plans_behind_a_dynamic_layer_go():
    plan = compile_graph(graph(input_layer("x", 20, 3) + layer("Positive", "x", "p") + layer("ReLU", "p", "y")))
    for n in range(1, 20):
        x = np.where(np.arange(20) < n, 1, -1).astype(np.float32)[:, None] * np.ones((1, 3), np.float32)
        assert plan.run(x).shape == (n, 3)
    assert len(plan._chain.tails) == 8


def test_clones_run_at_once():
    plan = compile_graph(graph(DYNAMIC))
    rng = np.random.default_rng(3)
    xs = [rng.normal(size=(4, 3, 6, 6)).astype(np.float32) for _ in range(3)]
    wants = [plan.run(x) for x in xs]
    wrong = []

    def work(plan, x, want):
        for _ in range(20):
            if any((a != b).any() for a, b in zip(plan.run(x), want, strict=True)):
                wrong.append(x)

    threads = [threading.Thread(target=work, args=(plan.clone_state(), x, w)) for x, w in zip(xs, wants, strict=True)]
    threads += [threading.Thread(target=work, args=(plan, x, w)) for x, w in zip(xs, wants, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_an_output_of_a_python_layer_is_the_callers():
    @register
    class Same(Layer):
        type = "Same"

        def forward(self, bottoms, params):
            return [bottoms[0]]

    try:
        plan = compile_graph(graph(input_layer("x", 2, 3) + layer("Same", "x", "y")))
        x = np.ones((2, 3), np.float32)
        plan.run(x)[...] = 7
        assert (x == 1).all()
    finally:
        unregister("Same")


def test_errors_name_the_layer():
    @register
    class Bad(Layer):
        type = "Bad"

        def forward(self, bottoms, params):
            raise GraphError("no luck")

    try:
        plan = compile_graph(graph(input_layer("x", 2, 3) + layer("Bad", "x", "y")))
        with pytest.raises(GraphError, match="'y': no luck"):
            plan.run(np.ones((2, 3), np.float32))
    finally:
        unregister("Bad")


def test_a_graph_without_shapes_is_refused():
    with pytest.raises(ShapeError, match="'x' is not known"):
        compile_graph(graph("layer { name: 'x' type: 'Input' top: 'x' }" + layer("ReLU", "x", "y")))


def test_options_are_heeded():
    with pytest.raises(OptionsError):
        compile_graph(graph(MIXED), Options(isa="sse2"))
    rows = compile_graph(graph(MIXED), Options(isa="scalar", threads=1)).explain()
    assert all("scalar" in row.kernel for row in rows)


def test_both_kinds_of_plan_are_timed_in_the_order_of_the_run():
    found = {}
    for text in (LENET, MIXED):
        plan = compile_graph(graph(text))
        found[text] = plan.timed(np.ones(plan.inputs[0].shape, np.float32))
        assert all(ns > 0 for _, ns in found[text])
    assert [row.layers for row, _ in found[LENET]] == [row.layers for row in compile_graph(graph(LENET)).explain()]
    assert [row.kind for row, _ in found[MIXED]] == ["conv", "Half", "conv", "eltwise"]
    half = found[MIXED][1][0]
    assert half.kernel == "python" and half.shape == (2, 4, 4, 4) and half.value_bytes == 2 * 4 * 2 * 4 * 4 * 4
    dynamic = input_layer("x", 2, 3, 6, 6) + layer("Positive", "x", "a") + layer("ReLU", "a", "b")
    assert [row.kind for row, _ in compile_graph(graph(dynamic)).timed(np.ones_like(X))] == ["Positive", "unary"]


def test_rows_say_what_there_is_to_do():
    rows = {row.layers.split("+")[0]: row for row in compile_graph(graph(MIXED)).explain()}
    conv = rows["a"]
    assert conv.multiply_adds == 2 * 4 * 16 * 3 * 9 and conv.value_bytes == 4 * (2 * 3 * 36 + 2 * 4 * 16)
    assert conv.weight_bytes >= 4 * 4 * 3 * 9
    add = rows["e"]
    assert add.multiply_adds == 0 and add.weight_bytes == 0
