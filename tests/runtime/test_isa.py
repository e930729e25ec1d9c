import os

import pytest

import scalpel_rt as srt
from scalpel_rt import isa, zoo
from scalpel_rt.errors import OptionsError
from scalpel_rt.runtime import _kernels


def test_levels_are_nested():
    assert isa.LEVELS == ("scalar", "sse41", "avx2", "avx512")
    assert isa.built_in()[0] == "scalar"
    assert isa.runnable() == tuple(name for name in isa.built_in() if name in isa.runnable())
    assert isa.runnable()[0] == "scalar"
    assert isa.up_to("avx2") == ("scalar", "sse41", "avx2")


def test_runnable_agrees_with_the_system():
    try:
        with open("/proc/cpuinfo") as file:
            flags = next(line for line in file if line.startswith("flags")).split()
    except (OSError, StopIteration):
        pytest.skip("no /proc/cpuinfo with flags here")
    needs = {"scalar": [], "sse41": ["sse4_1"], "avx2": ["avx2", "fma", "f16c"],
             "avx512": ["avx512f", "avx512vl", "avx512bw", "avx512dq"]}
    assert isa.runnable() == tuple(name for name in isa.built_in() if set(needs[name]) <= set(flags))


def test_active_follows_option_then_environment(monkeypatch):
    monkeypatch.delenv("SCALPEL_ISA", raising=False)
    assert isa.active() == isa.runnable()[-1]
    monkeypatch.setenv("SCALPEL_ISA", "scalar")
    assert isa.active() == "scalar"
    assert isa.active(isa.runnable()[-1]) == isa.runnable()[-1]
    monkeypatch.setenv("SCALPEL_ISA", "")
    assert isa.active() == isa.runnable()[-1]


@pytest.mark.parametrize("name", ["avx", "AVX2", "neon", "avx2 "])
def test_an_unknown_level_is_an_error(monkeypatch, name):
    with pytest.raises(OptionsError, match="no such instruction set"):
        isa.active(name)
    monkeypatch.setenv("SCALPEL_ISA", name)
    with pytest.raises(OptionsError, match="SCALPEL_ISA"):
        isa.active()


def test_a_level_that_cannot_run_is_an_error(monkeypatch):
    monkeypatch.setattr(isa, "runnable", lambda: ("scalar",))
    with pytest.raises(OptionsError, match="this machine cannot run it"):
        isa.active(isa.built_in()[-1] if len(isa.built_in()) > 1 else pytest.skip("only scalar is built in"))
    monkeypatch.setattr(isa, "built_in", lambda: ("scalar",))
    with pytest.raises(OptionsError, match="this build does not hold it"):
        isa.active("avx2")


def test_machine_facts_are_plausible():
    machine = isa.machine()
    assert machine is isa.machine()
    assert machine.isa == isa.runnable()[-1]
    assert machine.cores == len(os.sched_getaffinity(0))
    assert machine.name.isprintable()
    if _kernels.cpu()["vendor"]:
        assert 4 << 10 <= machine.l1d <= 1 << 20
        assert machine.l1d < machine.l2
    rates = [machine.bandwidth(n) for n in (1 << 10, 1 << 18, 1 << 23, 1 << 34)]
    assert rates == sorted(rates, reverse=True)


def test_kernels_are_only_of_levels_built_in():
    assert {k.isa for k in _kernels.kernels()} <= set(isa.built_in())


@pytest.mark.parametrize("level", isa.runnable())
def test_a_level_forced_from_outside_is_the_one_that_runs(level, monkeypatch):
    """So a run of all tests with SCALPEL_ISA set does test that level: no other one stands in for it."""
    monkeypatch.setenv("SCALPEL_ISA", level)
    folder = zoo.path("lenet5")
    plan = srt.load(folder / "deploy.prototxt", folder / "weights.caffemodel").compile()
    used = {step.kernel.isa for step in plan.steps.steps}
    assert used <= set(isa.up_to(level))
    assert {step.kernel.isa for step in plan.steps.steps if step.kernel.kind in ("conv", "fc")} == {level}
