"""Compiled programs against the interpreter."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalpel_rt import isa
from scalpel_rt.options import Options
from scalpel_rt.plan import build as building
from scalpel_rt.plan import choose as choosing
from scalpel_rt.plan.build import compile_program
from scalpel_rt.plan.interpret import interpret
from scalpel_rt.plan.spec import KINDS
from scalpel_rt.runtime import _kernels

from .programs import assert_close, random_program


def compare(program, arrays, options):
    plan = compile_program(program, options)
    want = interpret(program, arrays)
    for _ in range(2):                  # the second run starts from the memory that the first left
        got = plan.run_all(*arrays)
        for g, w in zip(got, want, strict=True):
            assert_close(g, w)
    return got


@pytest.mark.parametrize("level", isa.runnable())
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), size=st.integers(1, 30))
def test_random_programs_give_what_the_interpreter_gives(level, seed, size):
    program, arrays = random_program(seed, size)
    compare(program, arrays, Options(isa=level, threads=1))


class Dice:
    """Stands in for a Tuner, and makes every legal kernel as likely as any other."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def measure(self, op, legal):
        return list(self.rng.permutation(len(legal)) * 10.0), {}

    def save(self):
        pass


def with_any_kernel(monkeypatch, seed):
    monkeypatch.setattr(building, "Tuner", lambda machine, footprint: Dice(seed))
    monkeypatch.setattr(building, "TUNED", KINDS)
    monkeypatch.setattr(choosing, "promising", lambda legal, costs: (legal, {}))


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), size=st.integers(1, 25), threads=st.integers(1, 3))
def test_any_choice_of_kernels_is_right(seed, size, threads):
    """Each kernel meets strides, memory in use again, scratch memory and work in place."""
    with pytest.MonkeyPatch.context() as patch:
        with_any_kernel(patch, seed)
        patch.setattr(building, "threads_worth", lambda ns, most: most)
        patch.setattr(building, "cuts_worth", lambda ns, threads, *_: 1 + size % 3)
        program, arrays = random_program(seed, size)
        compare(program, arrays, Options(tune=True, threads=threads))


def test_random_programs_meet_nearly_all_kernels(monkeypatch):
    met = set()
    for seed in range(120):
        with_any_kernel(monkeypatch, seed)
        program, _ = random_program(seed, 25)
        met |= {row.kernel for row in compile_program(program, Options(tune=True, threads=1)).explain()}
    levels = isa.LEVELS[:isa.LEVELS.index(isa.active()) + 1]
    here = {k.symbol for k in _kernels.kernels() if k.isa in levels and k.kind in KINDS and k.kind != "fill"}
    missed = {name for name in here if name not in met}
    assert len(missed) <= len(here) // 10, sorted(missed)
