"""The same input gives the same bits: from run to run, wherever values lie, and in whatever company."""

import numpy as np
import pytest

from scalpel_rt import isa
from scalpel_rt.options import Options
from scalpel_rt.plan import memory
from scalpel_rt.plan.build import compile_program

from ..plan.programs import random_program

SEEDS = range(25)


def bits(arrays):
    return [np.ascontiguousarray(array).view(np.uint32) for array in arrays]


def assert_same_bits(got, want):
    for a, b in zip(bits(got), bits(want), strict=True):
        np.testing.assert_array_equal(a, b)


def compiled(seed, level):
    program, arrays = random_program(seed, 25)
    return compile_program(program, Options(isa=level, threads=2, tune=False)), arrays


@pytest.mark.parametrize("level", isa.runnable())
def test_runs_and_plans_give_the_same_bits(level):
    """What the run before left in the arena does not matter, nor which of several plans runs."""
    for seed in SEEDS:
        plan, arrays = compiled(seed, level)
        want = plan.run_all(*arrays)
        plan.run_all(*[np.full_like(array, np.nan) for array in arrays])
        assert_same_bits(plan.run_all(*arrays), want)
        assert_same_bits(plan.clone_state().run_all(*arrays), want)
        assert_same_bits(compiled(seed, level)[0].run_all(*arrays), want)


def test_a_tuned_plan_gives_the_same_bits_again(tmp_path, monkeypatch):
    """What was measured is remembered, so that the kernels that were chosen once are chosen from then on."""
    monkeypatch.setenv("SCALPEL_CACHE", str(tmp_path))
    for seed in SEEDS[:8]:
        program, arrays = random_program(seed, 25)
        tuned = Options(threads=2, tune=True)
        want = compile_program(program, tuned).run_all(*arrays)
        assert_same_bits(compile_program(program, tuned).run_all(*arrays), want)
    assert list(tmp_path.iterdir()), "nothing was measured"


def spread(self, scratch, lay_out=memory._Places.layout):
    """A layout in which everything has a place of its own, 3 lines of cache behind what lies before it."""
    layout = lay_out(self, scratch)
    layout.offset, layout.scratch, layout.size = {}, {}, 48
    for block, members in self.members.items():
        layout.offset.update((value, layout.size + start) for value, start in members.items())
        layout.size += -(-block.size // memory.ALIGN) * memory.ALIGN + 48
    for t, size in scratch.items():
        if size and t not in self.gone:
            layout.scratch[t] = layout.size
            layout.size += -(-size // memory.ALIGN) * memory.ALIGN + 48
    return layout


@pytest.mark.parametrize("level", isa.runnable())
def test_every_layout_of_the_arena_gives_the_same_bits(level, monkeypatch):
    """Tight, spread out, and with nothing written in place or straight into a concatenation."""
    plans = {seed: compiled(seed, level) for seed in SEEDS}
    wants = {seed: plan.run_all(*arrays) for seed, (plan, arrays) in plans.items()}
    larger = 0
    for patches in ({"layout": spread}, {"write_in_place": lambda *_: None},
                    {"layout": spread, "write_in_place": lambda *_: None, "write_into_whole": lambda *_: None}):
        with monkeypatch.context() as patch:
            for name, function in patches.items():
                patch.setattr(memory._Places, name, function)
            for seed in SEEDS:
                plan, arrays = compiled(seed, level)
                larger += plan.steps.arena > plans[seed][0].steps.arena
                assert_same_bits(plan.run_all(*arrays), wants[seed])
    assert larger > len(SEEDS)
