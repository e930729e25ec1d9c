"""Compiled programs against the interpreter."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalpel_rt import isa
from scalpel_rt.options import Options
from scalpel_rt.plan.build import compile_program
from scalpel_rt.plan.interpret import interpret

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
    program, arrays = random_program(seed, size, without=["deconv"])
    compare(program, arrays, Options(isa=level, threads=1))
