"""The timer: turns, short calls, self-timing, refusal, pinning, and what it says about noise."""

import gc
import math
import os
import threading
import time

import pytest

from scalpel_rt.errors import MismatchError, OptionsError
from scalpel_rt.profile import Timing, Timings, pinned, time_together, timer


class Clock:
    """Stands in for the timer's clock; time passes only in :func:`spin`, so that a busy machine fails no test."""

    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        return self.now

    def perf_counter_ns(self):
        return self.now * 1e9


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(timer, "time", made)
    monkeypatch.setattr(f"{__name__}.spin", lambda seconds: setattr(made, "now", made.now + seconds))
    return made


def spin(seconds):
    """Take so long."""


def test_candidates_take_turns():
    seen = []
    found = time_together({"a": lambda: (seen.append("a"), spin(5e-3)), "b": lambda: (seen.append("b"), spin(5e-3))},
                          seconds=0.05)
    assert len(found["a"].seconds) == len(found["b"].seconds) >= timer.LEAST
    last = "".join(seen[-8 * timer.LEAST:])
    assert last.replace("aaaabbbb", "") == ""       # each its untimed calls and its timed one


def test_a_call_that_takes_twice_as_long_shows_as_twice_as_long():
    found = time_together({"long": lambda x: spin(2 * x), "short": lambda x: spin(x)}, 8e-3, seconds=0.3)
    assert found.ratio("long", "short") == pytest.approx((2, 2, 2))
    assert found["short"].calls == 1 and found["short"].median == pytest.approx(8e-3)


def test_short_calls_are_repeated():
    found = time_together({"short": lambda: spin(1e-6), "long": lambda: spin(8e-3)}, seconds=0.1)
    assert found["short"].calls in (5000, 5001) and found["short"].median == pytest.approx(1e-6)
    assert found["long"].calls == 1


def test_the_real_clock(monkeypatch):
    monkeypatch.setattr(timer, "time", time)
    found = time_together({"sleep": lambda: time.sleep(5e-3), "nothing": lambda: None}, seconds=0.05)
    assert found["sleep"].min >= 5e-3 > found["nothing"].min and found["nothing"].calls > 100


def test_a_budget_is_kept_and_five_samples_are_taken_whatever_it_is(clock):
    found = time_together({"a": lambda: spin(0.03)}, seconds=1e-3)
    assert len(found["a"].seconds) == timer.LEAST and clock.now < 0.4
    start = clock.now
    time_together({"a": lambda: spin(1e-6), "b": lambda: spin(1e-5)}, seconds=0.2)
    assert 0.2 <= clock.now - start < 0.25


def test_who_times_itself_is_believed():
    def run():
        run.seconds = 7.0

    found = time_together({"self": run, "other": lambda: spin(1e-3)}, seconds=0.01)
    assert found["self"].median == found["self"].min == 7.0


def test_who_times_itself_is_called_as_often_as_its_calls_really_allow(clock):
    def run():
        spin(1e-3)
        run.seconds = 1e-9

    assert time_together({"self": run}, seconds=0.1)["self"].median == 1e-9
    assert clock.now < 0.3


def test_wrong_outputs_refuse_to_time_and_all_are_named():
    timed = []

    def check(name, output):
        return None if output == 42 else f"{output}, not 42"

    def wrong():
        timed.append(1)
        return 41

    with pytest.raises(MismatchError, match="one: 41, not 42; two: 41, not 42"):
        time_together({"good": lambda: 42, "one": wrong, "two": wrong}, check=check)
    assert len(timed) == 2
    assert time_together({"good": lambda: spin(1e-3) or 42}, check=check, seconds=0.01)


def test_cold_samples_are_single_calls():
    order = []
    run = {"a": lambda: order.append("a") or spin(1e-6)}
    found = time_together(run, seconds=0.01, before=lambda: order.append("cold"))
    assert found["a"].calls == 1
    assert order[-4:] == ["cold", "a", "cold", "a"]


def test_garbage_collection_waits_and_goes_on():
    states = []
    time_together({"a": lambda: (states.append(gc.isenabled()), spin(1e-3))}, seconds=0.02)
    assert not states[-1] and gc.isenabled()


@pytest.mark.parametrize("arguments", [{"candidates": {}}, {"candidates": {"a": int}, "seconds": 0},
                                       {"candidates": {"a": int}, "seconds": float("nan")}])
def test_nonsense_is_refused(arguments):
    with pytest.raises(OptionsError):
        time_together(**arguments)


def test_progress_ends_at_one():
    seen = []
    time_together({"a": lambda: spin(1e-3)}, seconds=0.05, progress=seen.append)
    assert seen == sorted(seen) and seen[-1] == 1.0


needs_affinity = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system pins no threads")


@needs_affinity
def test_all_threads_are_pinned_and_let_go():
    stop, inside = threading.Event(), {}
    other = threading.Thread(target=stop.wait)
    other.start()
    before = os.sched_getaffinity(0)
    try:
        with pinned(1):
            inside = {t: os.sched_getaffinity(t) for t in (0, other.native_id)}
            late = threading.Thread(target=stop.wait)
            late.start()
            inside["late"] = os.sched_getaffinity(late.native_id)
        after = [os.sched_getaffinity(t) for t in (0, other.native_id, late.native_id)]
    finally:
        stop.set()
    assert set(map(frozenset, inside.values())) == {frozenset([max(before)])}
    assert after == [before] * 3


@needs_affinity
def test_threads_that_end_while_being_pinned(monkeypatch):
    ended = threading.Thread(target=int)
    ended.start()
    ended.join()
    while os.path.exists(f"/proc/self/task/{ended.native_id}"):     # the system's own farewell comes after join
        time.sleep(1e-3)
    threads = [*timer._threads(), ended.native_id]
    monkeypatch.setattr(timer, "_threads", lambda: threads)
    before = os.sched_getaffinity(0)
    with pinned(1):
        assert os.sched_getaffinity(0) == {max(before)}
    assert os.sched_getaffinity(0) == before


@needs_affinity
def test_pinning_ends_with_an_error_too():
    before = os.sched_getaffinity(0)
    with pytest.raises(ZeroDivisionError):
        time_together({"a": lambda: 1 / 0}, cores=1)
    assert os.sched_getaffinity(0) == before
    with pytest.raises(OptionsError, match="cannot pin to 99999 cores"):
        time_together({"a": int}, cores=99999)


def test_noise():
    assert timer.noise([1.0, 1.0, 1.0]) == math.inf
    assert timer.noise([1.0] * 20) == 0
    steady, wild = [1.0, 1.01] * 50, [1.0, 2.0] * 50
    assert 0 < timer.noise(steady) < timer.noise(wild)
    assert timer.noise([1.0, 2.0] * 500) < timer.noise(wild)      # more samples, a surer median
    assert timer.noise([1.0] * 50 + [1.2] * 50) >= 0.08           # a drift that few samples would hide


def test_a_timing_tells_its_numbers():
    timing = Timing((1.0, 2.0, 3.0, 10.0), 5)
    assert (timing.median, timing.mean, timing.min) == (2.5, 4.0, 1.0)
    assert timing.quartiles == (1.75, 4.75)
    assert timing.as_dict()["samples"] == 4 and timing.as_dict()["calls"] == 5
    assert str(Timing((2e-6,) * 9)) == "2 µs ± 0.0 %"


def test_ratios_pair_neighbours():
    drifting = [1.0, 2.0, 4.0, 8.0]
    found = Timings(a=Timing(tuple(drifting)), b=Timing(tuple(x / 2 for x in drifting)))
    assert found.ratio("a", "b") == (2.0, 2.0, 2.0)


def test_durations():
    assert [timer.duration(x) for x in (2.0, 1.5e-3, 12e-6, 3e-9)] == ["2 s", "1.5 ms", "12 µs", "3 ns"]
