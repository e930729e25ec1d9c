"""Many images a few at a time: what is split where, and that the results stay."""

import threading
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scalpel_rt as srt
from scalpel_rt import isa, zoo
from scalpel_rt.errors import ShapeError
from scalpel_rt.options import Options
from scalpel_rt.passes import run_passes
from scalpel_rt.plan import build as building
from scalpel_rt.plan.build import compile_program
from scalpel_rt.plan.interpret import interpret
from scalpel_rt.plan.spec import Builder, Program, Value
from scalpel_rt.plan.turns import PlanInTurns, in_turns, side_by_side
from scalpel_rt.plan.verify import verify_program
from scalpel_rt.runtime import _plan

from .programs import assert_close, random_program

#: Caches so small that every batch is cut; fully connected layers of up to 600 bytes may be.
REAL = isa.machine()
TINY = replace(REAL, l2=600, l3=1 << 12)
#: A third one in which the values of several turns lie side by side.
WIDE = replace(TINY, l3=1 << 20)


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(building.isa, "machine", lambda: TINY)


def images(n, *ops, c=4, size=6):
    """A program of n images through steps that are called with (builder, value), and some input for it."""
    build = Builder()
    value = image = Value("x", (n, c, size, size))
    for i, op in enumerate(ops):
        build.layer(f"op{i}")
        value = op(build, value)
    program = verify_program(Program(tuple(build.ops), (image,), (value,)))
    return program, [np.random.default_rng(n).standard_normal(image.shape, np.float32)]


def conv(build, x, m=4, k=3):
    n, c, h, w = x.shape
    y = Value("conv", (n, m, h, w))
    weights = {"w": np.random.default_rng(k).standard_normal((m, c, k, k), np.float32)}
    build.op("conv", [x], [y], weights, kh=k, kw=k, sh=1, sw=1, ph=k // 2, pw=k // 2, dh=1, dw=1, group=1, act=None)
    return y


def fc(build, x, m=1):
    x = build.reshaped(x, (x.shape[0], x.size // x.shape[0]))
    y = Value(f"fc{m}", (x.shape[0], m))
    build.op("fc", [x], [y], {"w": np.random.default_rng(m).standard_normal((m, x.shape[1]), np.float32)}, act=None)
    return y


def swapped(first, second):
    """A copy that swaps two axes."""
    def op(build, x):
        shape, strides = list(x.shape), [int(np.prod(x.shape[i + 1 :])) for i in range(4)]
        for both in (shape, strides):
            both[first], both[second] = both[second], both[first]
        y = Value("swapped", tuple(shape))
        build.copy([x], y, [{"shape": shape, "x_strides": strides,
                             "y_strides": [int(np.prod(shape[i + 1 :])) for i in range(4)]}])
        return y
    return op


def kinds(program):
    return [op.kind for op in program.ops if op.kind != "view"] if program else []


def split(program, machine=TINY):
    turns = in_turns(run_passes(program), machine)
    return kinds(turns.front), kinds(turns.rest)


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), size=st.integers(1, 25), batch=st.integers(2, 9), kept=st.integers(0, 1),
       machine=st.sampled_from([TINY, WIDE]), threads=st.integers(1, 3))
def test_random_programs_give_what_the_interpreter_gives(seed, size, batch, kept, machine, threads):
    program, arrays = random_program(seed, size, batch)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(building.isa, "machine", lambda: machine)
        plan = compile_program(program, Options(tune=False, threads=threads), n_outputs=len(program.outputs) - kept)
    want = interpret(program, arrays)
    names = Counter(value.name for value in program.outputs)
    for _ in range(2):
        got = plan.run_all(*arrays)
        for g, w in zip(got, want, strict=kept == 0):
            assert_close(g, w)
        for value, w in zip(program.outputs, want, strict=True):
            if names[value.name] == 1:
                assert_close(plan.value(value), w)


def test_random_programs_are_cut_at_all():
    cut = [in_turns(run_passes(random_program(seed, 20, 6)[0]), TINY) for seed in range(40)]
    assert sum(turns is not None for turns in cut) > 30
    assert len({turns.rest is None for turns in cut if turns}) == 2


def test_heavy_fully_connected_layers_run_on_all_images():
    program, _ = images(8, conv, fc, fc)
    assert split(program) == (["conv", "fc", "fc"], [])                             # 144 weights are few
    program, _ = images(8, conv, lambda b, x: fc(b, x, 30), fc)
    assert split(program) == (["conv"], ["fc", "fc"])


def test_what_mixes_images_runs_on_all_of_them():
    assert split(images(8, conv, swapped(1, 2), conv)[0]) == (["conv", "copy", "conv"], [])
    program, _ = images(8, lambda b, x: conv(b, x, 8), swapped(0, 1), conv)
    assert split(program) == (["conv"], ["copy", "conv"])


def test_a_copy_of_equal_sizes_that_mixes_images():
    """As many images as rows, so that shapes alone would not tell."""
    program, _ = images(6, conv, swapped(0, 2))
    assert split(program) == (["conv"], ["copy"])


def test_a_copy_of_one_image_to_all():
    """Each image of the output lies where it should, and comes from the first of the input."""
    def first(build, x):
        y = Value("firsts", x.shape)
        build.copy([x], y, [{"shape": (8, x.size // 8), "x_strides": (0, 1), "y_strides": (x.size // 8, 1)}])
        return y
    assert split(images(8, conv, first)[0]) == (["conv"], ["copy"])


def test_an_input_that_is_no_batch_is_left_to_the_rest():
    build, x, s = Builder(), Value("x", (8, 4, 36)), Value("s", (1, 4))
    y, z = Value("y", x.shape), Value("z", x.shape)
    build.layer("l")
    build.op("unary", [x], [y], fn="tanh", p0=0.0, p1=0.0, p2=0.0)
    build.op("broadcast", [y, s], [z], fn="mul", s_outer=0)
    assert split(Program(tuple(build.ops), (x, s), (z,))) == (["unary"], ["broadcast"])


@pytest.mark.parametrize("n, expected", [(17, 3), (16, 2), (15, 3), (4, 2), (3, 3), (2, 2), (1, 1)])
def test_how_many_images(n, expected):
    """8 KiB of an image's values live at a time, and there are 18 KiB of weights: three images weigh more, and two are
    taken where that leaves no image to be done twice."""
    program, _ = images(n, *[lambda b, x: conv(b, x, 16, 3)] * 2, c=16, size=8)
    machine = replace(TINY, l2=1024, l3=1 << 20)
    turns = in_turns(run_passes(program), machine)
    assert (turns.images if turns else n) == expected


@pytest.mark.parametrize("n, expected", [(16, 4), (9, 3), (8, 4), (7, 7)])
def test_turns_fill_the_second_cache(n, expected):
    """Four images' values are four times 8 KiB. Fewer than two such turns are not worth it."""
    program, _ = images(n, *[lambda b, x: conv(b, x, 16, 3)] * 2, c=16, size=8)
    turns = in_turns(run_passes(program), replace(TINY, l2=1 << 13, l3=1 << 20))
    assert (turns.images if turns else n) == expected


def test_weights_of_zeros_do_not_count_and_caches_do():
    program, _ = images(32, conv, conv, c=4, size=8)
    weights = [op.weights["w"] for op in program.ops]
    machine = replace(TINY, l2=64, l3=1 << 20)
    for w in weights:
        w[:] = 0
    assert in_turns(program, machine).images == 1
    program, _ = images(32, lambda b, x: conv(b, x, 64, 3), lambda b, x: conv(b, x, 4, 5), c=4, size=4)
    many, few = (in_turns(program, replace(machine, l3=size)).images for size in (1 << 20, 1 << 16))
    assert many > few > 1
    assert in_turns(program, replace(machine, l2=1 << 20)) is None          # all images fit
    assert in_turns(program, replace(machine, l2=0, l3=0)) is None          # unknown caches are not taken for none


def test_turns_take_as_many_images_each(tiny):
    """The last turn begins earlier where they do not come out even; no plan is made for what is left over."""
    program, arrays = images(7, conv, conv)
    plan = compile_program(program, Options(tune=False))
    assert type(plan) is PlanInTurns and len(plan.plans) == 1
    [front] = plan.plans
    assert [row.turns for row in plan.explain()] == [-(-7 // front.inputs[0].shape[0])] * 2
    assert_close(plan.run(*arrays), interpret(program, arrays)[0])


def mixed():
    """A plan with a front of one convolution and a rest of two fully connected layers; an output of either is kept."""
    program, arrays = images(8, conv, lambda b, x: fc(b, x, 30), fc)
    middle = program.ops[0].outputs[0], program.ops[2].outputs[0]
    program = Program(program.ops, program.inputs, (*program.outputs, *middle))
    plan = compile_program(program, Options(tune=False, threads=1), 1)
    assert type(plan) is PlanInTurns and len(plan.plans) == 2
    return plan, program, arrays


def test_what_is_kept_is_of_all_images(tiny):
    plan, program, arrays = mixed()
    got = plan.run(*arrays)
    want = interpret(program, arrays)
    for value, w in zip(program.outputs, want, strict=True):
        assert_close(plan.value(value), w)
    assert np.array_equal(plan.value("fc1"), plan.value(program.outputs[0])) and got.shape == (8, 1)
    with pytest.raises(KeyError):
        plan.value("x")


def test_a_net_of_one_part_knows_no_other_blob(tiny):
    program, arrays = images(8, conv)
    plan = compile_program(program, Options(tune=False))
    plan.run(*arrays)
    with pytest.raises(KeyError):
        plan.value("x")


def test_outputs_go_where_the_caller_wants_them(tiny):
    for program, arrays in (images(8, conv), images(8, conv, lambda b, x: fc(b, x, 30))):
        plan = compile_program(program, Options(tune=False))
        out = np.full(plan.outputs[0].shape, np.nan, np.float32)
        assert plan.run(*arrays, out=out) is out
        np.testing.assert_array_equal(out, plan.run(*arrays))
        with pytest.raises(ShapeError, match="out holds 2"):
            plan.run(*arrays, out=(out, out))
        with pytest.raises(ShapeError, match=r"must be float32 of shape"):
            plan.run(*arrays, out=np.empty((1, 2), np.float32))
        with pytest.raises(TypeError, match="writable C-contiguous"):
            plan.run(*arrays, out=np.asfortranarray(np.empty(out.shape[::-1], np.float32)).T[..., ::-1])


def test_wrong_inputs_are_refused_as_by_any_plan(tiny):
    plan, program, arrays = mixed()
    with pytest.raises(ShapeError, match=r"takes 1 array.*not 2"):
        plan.run(*arrays, *arrays)
    with pytest.raises(ShapeError, match=r"'x' takes an array of shape \(8, 4, 6, 6\), not \(7, 4, 6, 6\)"):
        plan.run(arrays[0][:7])
    with pytest.raises(TypeError, match="real numbers"):
        plan.run(arrays[0].astype(complex))
    np.testing.assert_array_equal(plan.run(arrays[0].tolist()), plan.run(*arrays))


def test_rows_and_times_are_of_the_whole_run(tiny):
    plan, program, arrays = mixed()
    rows = plan.explain()
    assert [row.kind for row in rows] == ["conv", "fc", "fc"] and [row.turns for row in rows][1:] == [1, 1]
    first = rows[0]
    assert first.turns == 8 / plan.plans[0].inputs[0].shape[0] > 1 and first.shape == (8, 4, 6, 6)
    assert first.size() == f"8x4x6x6 in {first.turns} turns" and rows[1].size() == "8x30"
    assert first.multiply_adds == 8 * 36 * 4 * 4 * 9
    assert first.costs[first.kernel] == first.ns == first.turns * plan.plans[0].explain()[0].ns
    timed = plan.timed(*arrays)
    assert [row for row, _ in timed] == rows and all(ns > 0 for _, ns in timed)
    assert plan.time(*arrays).shape == (3,)
    assert f"8×4×6×6 in {first.turns} turns" in plan._repr_html_()


def wrong_in_threads(plan, runs, twin):
    """How many runs give wrong results, ``runs`` in each of four threads with ``twin(plan)`` and images of its own."""
    inputs = np.random.default_rng(0).standard_normal((4, *plan.inputs[0].shape)).astype(np.float32)
    wants, wrong = [plan.run(x) for x in inputs], []

    def work(own, x, want):
        wrong.extend(1 for _ in range(runs) if not np.array_equal(own.run(x), want))

    threads = [threading.Thread(target=work, args=(twin(plan), x, want)) for x, want in zip(inputs, wants, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(wrong)


@pytest.mark.parametrize("twin", [PlanInTurns.clone_state, lambda plan: plan], ids=["clones", "one plan"])
def test_many_threads(tiny, twin):
    assert wrong_in_threads(mixed()[0], 50, twin) == 0


def test_a_clone_has_values_of_its_own(tiny):
    plan, _, [x] = mixed()
    twin, want = plan.clone_state(), plan.run(x)
    twin.run(-x)
    np.testing.assert_array_equal(plan.value("fc1"), want)
    assert not np.array_equal(twin.value("conv"), plan.value("conv"))


def test_threads_do_not_change_a_bit(monkeypatch):
    crews = set()
    for seed in range(20):
        program, arrays = random_program(seed, 20, 6)
        monkeypatch.setattr(building.isa, "machine", lambda machine=(TINY, WIDE)[seed % 2]: machine)
        plans = [compile_program(program, Options(threads=t, tune=False)) for t in (1, 2, 3, 4)]
        want = plans[0].run_all(*arrays)
        for plan in plans:
            if type(plan) is PlanInTurns:
                crews.add(len(plan._crew.plans))
            for a, b in zip(plan.run_all(*arrays), want, strict=True):
                np.testing.assert_array_equal(a, b)
    assert crews >= {1, 2, 3}


@pytest.mark.parametrize("n, threads, expected", [(8, 2, 2), (8, 8, 8), (8, 5, 5), (8, 7, 1), (8, 9, 8), (8, 11, 1),
                                                  (9, 2, 2)])
def test_turns_side_by_side(n, threads, expected):
    """All threads have something to do most of the time, or each step is cut into parts."""
    program, _ = images(n, conv, conv)
    turns = in_turns(run_passes(program), replace(WIDE, l2=64))
    assert (turns.images, turns.count) == (1, n) and turns.nbytes == 2 * 4 * 144
    assert side_by_side(turns, threads, WIDE) == expected
    assert side_by_side(turns, threads, TINY) == (2 if threads == 2 else 1)


def test_the_pool_taken_or_small_changes_nothing(monkeypatch):
    """Several callers, of whom one has the pool: the others do all turns themselves."""
    monkeypatch.setattr(building.isa, "machine", lambda: WIDE)
    program, _ = images(40, conv, conv, conv)
    plan = compile_program(program, Options(threads=2, tune=False))
    assert len(plan._crew.plans) == 2
    assert wrong_in_threads(plan, 100, PlanInTurns.clone_state) == 0


def test_a_crew_takes_nothing_that_does_not_fit():
    program, arrays = images(2, conv)
    plan = compile_program(program, Options(threads=1, tune=False))
    for wrong in ((plan, 3), (plan, 0), (plan, 2, 0)):
        with pytest.raises(ValueError):
            _plan.Crew(*wrong)
    crew, x = _plan.Crew(plan, 2, 2), np.tile(arrays[0], (3, 1, 1, 1))
    out = np.zeros_like(x)
    stamps, who = crew.run([x], [out], 6, True)
    assert stamps.shape == (3, 1, 2) and (stamps[..., 1] > stamps[..., 0]).all() and set(who.tolist()) <= {0, 1}
    np.testing.assert_array_equal(out, np.tile(plan.run(*arrays), (3, 1, 1, 1)))
    still = np.broadcast_to(np.float32(0), x.shape)
    for ins, outs, n in (([x], [out], 5), ([x], [out[:4]], 6), ([x.astype(float)], [out], 6), ([x], [], 6),
                         ([], [out], 6), ([x[..., ::-1]], [out], 6), ([x], [still], 6), ([x[:1]], [out[:1]], 1)):
        with pytest.raises(ValueError):
            crew.run(ins, outs, n)


def test_a_net_of_many_images(monkeypatch):
    """A shipped net, whose turns this machine's real caches decide, if they are what they usually are."""
    folder = zoo.path("convnet")
    net = srt.load(folder / "deploy.prototxt", folder / "weights.caffemodel")
    x = np.random.default_rng(0).random((48, 3, 32, 32), np.float32)
    monkeypatch.setattr(building.isa, "machine", lambda: replace(REAL, l2=1 << 18, l3=1 << 22))
    [(name, got)] = net.forward(data=x).items()
    assert "turns" in str([row.size() for row in net.compile().explain()])
    kept = net.blobs["pool1"].data
    for i in (0, 20, 47):
        [one] = net.forward(data=x[i : i + 1]).values()
        assert_close(got[i : i + 1], one)
        assert_close(kept[i : i + 1], net.blobs["pool1"].data)
