"""What the machine can do: plausible, remembered, looked up by size and threads."""

import pytest

from scalpel_rt import isa
from scalpel_rt.plan.cache import build, digest, open_cache
from scalpel_rt.profile import Peaks, machine, peaks


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SCALPEL_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(machine, "TRY_NS", 3e5)
    monkeypatch.setattr(machine, "ROUNDS", 3)
    monkeypatch.setattr(machine, "DRAM_BYTES", (1 << 20, 1 << 20))


def test_peaks_are_measured_for_every_level(quick):
    found = peaks()
    assert list(found.flops) == list(isa.runnable()) and "DRAM" in found.reading
    for rates in (*found.flops.values(), *found.reading.values()):
        assert set(rates) == {1, isa.usable_cores()}
        assert all(0 < rate < 1e5 for rate in rates.values())
    best = [rates[1] for rates in found.flops.values()]
    assert best[-1] > best[0], "vectors are no faster than single floats"
    assert found.as_dict()["gflops"][found.machine.isa]["1"] == pytest.approx(found.gflops(), rel=1e-3)


def test_peaks_are_remembered(quick, monkeypatch):
    first = peaks()
    monkeypatch.setattr(machine, "_measure", lambda *_: {f"fma scalar {n}": 7.0 for n in (1, isa.usable_cores())})
    assert peaks() == first
    assert set(peaks(fresh=True).flops["scalar"].values()) == {7.0}
    assert set(peaks().flops["scalar"].values()) == {7.0}


@pytest.mark.parametrize("held", [{"nonsense": 1.0}, {"fma avx2 x": 1.0}, {"fma avx2 " + "9" * 5000: 1.0}])
def test_a_damaged_cache_of_peaks_is_measured_again(quick, held):
    cache, key = open_cache(isa.machine()), digest(repr((build(), "peaks", isa.usable_cores())))
    first = peaks()
    cache.put(key, held)
    cache.save()
    assert set(peaks().flops) == set(first.flops)


def test_a_probe_of_twice_the_work_takes_twice_the_time(quick):
    x = machine.packed((1, machine.FMA_FLOATS))
    x[...] = 1.0
    probe = machine.Probe(machine.probe_kernel("fma", isa.runnable()[-1]), x, 1, machine.FMA_FLOATS, 2)
    half = min(probe.run() for _ in range(200))
    probe._repeats *= 2
    probe._plan = probe._make()
    assert 1.5 < min(probe.run() for _ in range(200)) / half < 2.6


def test_a_disturbed_first_try_does_not_make_all_others_too_short(quick, monkeypatch):
    """A process that is put aside while it finds out how long one repeat takes must not believe that."""
    class Plan:
        tries = 0

        def __init__(self, repeats):
            self.ns = 10 * repeats

        def time(self):
            Plan.tries += 1
            return [1e9 if Plan.tries == 1 else self.ns]

    monkeypatch.setattr(machine.Probe, "_make", lambda probe: Plan(probe._repeats))
    probe = machine.Probe(None, None, 1, machine.FMA_FLOATS, 2)
    assert probe.run() >= machine.TRY_NS / 2


def test_lookups():
    m = isa.Machine("test", "avx2", 2, 32 << 10, 1 << 20, 32 << 20, frozenset())
    p = Peaks(m, {"avx2": {1: 100.0, 4: 400.0}},
              {"L1": {1: 200.0}, "L2": {1: 100.0}, "L3": {1: 50.0}, "DRAM": {1: 20.0}})
    assert [p.level(n) for n in (1 << 10, 64 << 10, 2 << 20, 64 << 20)] == ["L1", "L2", "L3", "DRAM"]
    assert p.level(64 << 10, threads=2) == "L1" and p.level(33 << 20, threads=2) == "DRAM"
    assert p.gbs(1 << 10) == 200 and p.gbs(64 << 20, 2) == 20
    assert (p.gflops(), p.gflops("avx2", 2), p.gflops(threads=9)) == (100, 200, 400)
    assert Peaks(isa.Machine("test", "avx2", 1, 0, 0, 0, frozenset()), {}, {"DRAM": {1: 20.0}}).level(1) == "DRAM"
