"""Measuring, and not measuring again what is known."""

import json

import numpy as np
import pytest

from scalpel_rt import isa
from scalpel_rt.errors import OptionsError
from scalpel_rt.options import Options
from scalpel_rt.plan import choose, tune
from scalpel_rt.plan.build import compile_program
from scalpel_rt.plan.interpret import interpret
from scalpel_rt.plan.tune import Tuner, signature

from ..runtime.nets import convolutions, image
from .programs import assert_close, random_program


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SCALPEL_CACHE", str(tmp_path))
    monkeypatch.setattr(choose, "CLOSE", float("inf"))      # on any machine there is something to measure
    return tmp_path


def test_a_tuned_plan_is_right_and_says_what_was_measured():
    program = convolutions(2, 12, 14)
    plan = compile_program(program, Options(tune=True, threads=1))
    for got, want in zip(plan.run_all(*image(program)), interpret(program, image(program)), strict=True):
        assert_close(got, want)
    for row in plan.explain():
        assert row.measured and row.ns == row.costs[row.kernel] > 0


def test_random_programs_tuned():
    for seed in range(5):
        program, arrays = random_program(seed, 15)
        plan = compile_program(program, Options(tune=True, threads=1))
        for got, want in zip(plan.run_all(*arrays), interpret(program, arrays), strict=True):
            assert_close(got, want)


def test_what_was_measured_is_remembered(folder, monkeypatch):
    program = convolutions(1, 12, 14)
    first = compile_program(program, Options(tune=True)).explain()
    [file] = folder.iterdir()
    held = json.loads(file.read_text())
    assert list(held.values()) == [first[0].costs]
    monkeypatch.setattr(Tuner, "_run", lambda *_: pytest.fail("measured again"))
    assert compile_program(program, Options(tune=True)).explain() == first
    assert compile_program(convolutions(1, 12, 14, seed=5), Options(tune=True)).explain() == first   # other weights


def test_what_differs_is_measured_again():
    def keys(**changes):
        op = convolutions(1, **{"channels": 4, "size": 5, **changes}).ops[0]
        return signature(op)

    assert keys() == keys() == keys(seed=3)
    assert len({keys(), keys(channels=5), keys(size=6), keys(batch=2)}) == 4
    op = convolutions(1, 4, 5).ops[0]
    w = op.weights["w"].copy()
    w[0, 0] = 0
    zeros = [signature(op.with_(weights={"w": w}))]
    w[0, 0], w[1, 0] = 1, 0
    zeros.append(signature(op.with_(weights={"w": w})))
    assert len({signature(op), *zeros}) == 3


def test_measuring_tells_a_slow_kernel_from_a_fast_one():
    if len(isa.runnable()) < 3:
        pytest.skip("only one or two instruction sets here")
    op = convolutions(1, 32, 28).ops[0]
    from scalpel_rt.plan.candidates import candidates

    found = [c for c in candidates(op, isa.runnable()[-1], Options()) if c.kernel.form == "gemm"]
    slow, fast = found[0], found[-1]
    assert slow.kernel.isa == "scalar"
    (slow_ns, fast_ns), args = Tuner(isa.machine(), 1 << 30).measure(op, [slow, fast])
    assert slow_ns > 3 * fast_ns and list(args) == [fast.kernel.symbol]
    assert np.isfinite(fast_ns)


def test_what_there_was_no_time_for_is_estimated_then_and_later(monkeypatch):
    program = convolutions(2, 12, 14)
    with monkeypatch.context() as patch:
        patch.setattr(tune, "NET_NS", 0)
        first = compile_program(program, Options(tune=True)).explain()
    assert not any(row.measured for row in first)
    assert compile_program(program, Options(tune=True)).explain() == first == compile_program(
        program, Options(tune=False)).explain()


def test_the_environment_says_whether_to_measure(monkeypatch):
    for said, tuned in (("0", False), ("1", True), ("", True)):
        monkeypatch.setenv("SCALPEL_TUNE", said)
        assert Options().tuned is tuned and Options(tune=not tuned).tuned is not tuned
    monkeypatch.setenv("SCALPEL_TUNE", "no")
    with pytest.raises(OptionsError, match="SCALPEL_TUNE"):
        compile_program(convolutions(1, 4, 5), Options())
