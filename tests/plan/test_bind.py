"""Packed weights: whose memory they are."""

import gc

import numpy as np
import pytest

from scalpel_rt import isa
from scalpel_rt.options import Options
from scalpel_rt.plan import share as sharing
from scalpel_rt.plan.build import compile_program
from scalpel_rt.plan.forms import packed
from scalpel_rt.plan.share import share

from ..runtime.nets import convolutions, image


def arrays(plan):
    return [value for step in plan.steps.steps for value in step.args.values() if isinstance(value, np.ndarray)]


@pytest.mark.parametrize("level", isa.runnable())
def test_a_plan_does_not_hang_on_the_nets_own_weights(level):
    program = convolutions(2)
    plan = compile_program(program, Options(isa=level))
    want = plan.run(*image(program))
    w = program.ops[0].weights["w"]
    assert w.flags.writeable
    w[...] = np.nan
    np.testing.assert_array_equal(plan.run(*image(program)), want)
    assert arrays(plan) and not any(np.may_share_memory(array, w) for array in arrays(plan))


def test_packed_weights_are_aligned_and_cannot_be_written():
    for array in arrays(compile_program(convolutions(2), Options())):
        assert array.ctypes.data % 64 == 0 and not array.flags.writeable


def test_plans_for_several_batches_share_their_weights():
    plans = [compile_program(convolutions(2, 64, 8, batch=n), Options(isa="scalar")) for n in (1, 3, 1)]
    held = {array.ctypes.data for plan in plans for array in arrays(plan)}
    assert len(held) == 1
    other = compile_program(convolutions(2, 64, 8, seed=9), Options(isa="scalar"))
    assert not held & {array.ctypes.data for array in arrays(other)}


def random(n, dtype, seed=0):
    array = packed((n,), dtype)
    array[...] = np.random.default_rng(seed).integers(0, 255, n)
    return array


def test_only_equal_arrays_are_shared():
    a, b = random(40_000, np.float32), random(40_000, np.float32)
    assert share(a) is a and share(b) is a
    c = random(40_000, np.float32)
    c[[3, 5]] = c[[5, 3]] + np.float32(1)           # almost
    assert share(c) is c
    swapped = random(40_000, np.float32)
    swapped[:4] = swapped[[2, 3, 0, 1]]             # the same sum of words
    assert share(swapped) is swapped
    assert share(random(40_000, np.float32).reshape(200, 200)) is not a
    small = random(8, np.uint8), random(8, np.uint8)
    assert share(small[0]) is not share(small[1])
    odd = random(100_003, np.uint8), random(100_003, np.uint8)
    assert share(odd[0]) is share(odd[1])


def test_what_nobody_uses_is_let_go():
    gc.collect()
    before = len(sharing._shared)
    a = share(random(50_000, np.float32, seed=3))
    assert len(sharing._shared) == before + 1
    del a
    gc.collect()
    assert len(sharing._shared) == before
