"""The pool, several callers at once, and Ctrl-C; what concerns whole processes is in test_processes.py."""

import os
import signal
import threading
import time

import numpy as np
import pytest

from scalpel_rt import isa
from scalpel_rt.options import Options
from scalpel_rt.plan.build import compile_program
from scalpel_rt.runtime import _kernels

from ..plan.programs import random_program
from .nets import chain, convolutions, image
from .process import SETUP, python


@pytest.mark.parametrize("cuts", [1, 3])
@pytest.mark.parametrize("level", isa.runnable())
def test_any_number_of_threads_and_parts_gives_the_same_bits(level, cuts, monkeypatch):
    monkeypatch.setattr("scalpel_rt.plan.build.threads_worth", lambda ns, threads: threads)

    def compiled(program, threads, cuts):
        monkeypatch.setattr("scalpel_rt.plan.build.cuts_worth", lambda *_: cuts)
        return compile_program(program, Options(isa=level, threads=threads))

    programs = [convolutions(2), convolutions(1, 7, 13, batch=3)]
    programs += [random_program(seed, 20)[0] for seed in range(20)]
    for program in programs:
        arrays = image(program)
        plans = [compiled(program, 1, 1), *(compiled(program, n, cuts) for n in (1, 2, 3, 5))]
        assert [plan.steps.threads for plan in plans] == [1, 1, 2, 3, 5] or not plans[0].steps.steps
        first, *others = [plan.run_all(*arrays) for plan in plans]
        for other in others:
            for a, b in zip(first, other, strict=True):
                np.testing.assert_array_equal(a.view(np.uint32), b.view(np.uint32))


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_a_step_that_is_asked_in_the_middle_goes_on_where_it_was(threads):
    """About every 20 ms the main thread looks for signals, and between two parts of a step that takes longer."""
    program = convolutions(1, 256, 160)
    arrays = image(program)
    plan = compile_program(program, Options(threads=threads))
    assert plan.steps.steps[0].cuts > 1
    got, twin = plan.run(*arrays), plan.clone_state()
    run_in_threads(1, lambda _: np.testing.assert_array_equal(twin.run(*arrays), got))


def test_only_what_is_worth_it_gets_threads():
    plan = compile_program(convolutions(1), Options(threads=2))
    assert [step.threads for step in plan.steps.steps] == [2]
    plan = compile_program(chain(3, (1, 8)), Options(threads=2))
    assert [step.threads for step in plan.steps.steps] == [1, 1, 1] and plan.steps.threads == 1


def test_helpers_are_made_when_needed_and_stay():
    program = convolutions(2)
    compile_program(program, Options(threads=3)).run(*image(program))
    assert _kernels.helpers() >= 2


def run_in_threads(n, work):
    errors = []

    def guarded(i):
        try:
            work(i)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(i,)) for i in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


@pytest.mark.parametrize("share", [True, False], ids=["one plan", "a state each"])
@pytest.mark.parametrize("threads", [1, 2])
def test_many_callers_at_once(share, threads):
    program = convolutions(3, 8, 20)
    plan = compile_program(program, Options(threads=threads))
    images = [image(program, seed) for seed in range(4)]
    wants = [plan.run(*arrays) for arrays in images]

    def work(i):
        mine = plan if share else plan.clone_state()
        for _ in range(50):
            np.testing.assert_array_equal(mine.run(*images[i]), wants[i])

    run_in_threads(4, work)


def test_a_long_run_in_another_thread():
    """Signals are no business of that thread, however long it runs."""
    assert python(SETUP + """
    plan, arrays = long()
    begin = time.monotonic()
    want = plan.run(*arrays)
    assert time.monotonic() - begin > 0.1
    got = []
    for _ in range(2):
        other = threading.Thread(target=lambda: got.append(plan.run(*arrays)))
        other.start()
        other.join()
    print(all((y == want).all() for y in got), len(got))
    """) == "True 2\n"


def test_other_python_threads_run_while_a_plan_does():
    program = convolutions(40, 64, 56)
    plan, arrays = compile_program(program, Options(threads=1)), image(program)
    ticks, done = [], threading.Event()

    def count():
        while not done.is_set():
            ticks.append(time.monotonic())
            time.sleep(0.001)

    counter = threading.Thread(target=count)
    counter.start()
    begin = time.monotonic()
    plan.run(*arrays)
    end = time.monotonic()
    done.set()
    counter.join()
    assert sum(begin < t < end for t in ticks) > 5


@pytest.mark.parametrize("program", ["convolutions(300, 64, 56)", "convolutions(1, 256, 224)",
                                     "convolutions(1, 256, 56, batch=32)"],
                         ids=["steps", "step", "turns"])
@pytest.mark.parametrize("threads", [1, 2])
def test_ctrl_c_stops_a_long_run(threads, program):
    """Within 100 ms of the main thread's own time: what a busy machine gives to others meanwhile does not count.

    The best of some tries is taken, since waiting for a helper that got no processor is time of our own too.
    """
    out = python(SETUP + f"""
    program = {program}
    plan, arrays = compile_program(program, Options(threads={threads})), image(program)
    clock = time.pthread_getcpuclockid(threading.get_ident())
    late = []
    for _ in range(10):
        try:
            moment = signal_soon(signal.SIGINT)
            plan.run(*arrays)
            time.sleep(10)
        except KeyboardInterrupt:
            own, real = moment()
            late.append((time.clock_gettime(clock) - own, time.monotonic() - real))
            if late[-1][0] < 0.1 and late[-1][1] < 2:
                print("stopped")
                break
    else:
        print(f"stopped after {{late}} s")
    small = convolutions(1, 4, 8)
    assert compile_program(small, Options()).run(*image(small)).shape == (1, 4, 8, 8)
    """)
    assert out == "stopped\n"


def test_a_plan_that_was_stopped_runs_again():
    out = python(SETUP + """
    program = convolutions(200, 64, 56)
    plan, arrays = compile_program(program, Options(threads=2)), image(program)
    want = plan.clone_state().run(*arrays)
    try:
        signal_soon(signal.SIGINT)
        plan.run(*arrays)
        time.sleep(10)
    except KeyboardInterrupt:
        assert (plan.run(*arrays) == want).all()
        print("fine")
    """)
    assert out == "fine\n"


@pytest.mark.parametrize("staged", [False, True], ids=["a plan", "stages"])
def test_a_signal_handler_may_not_run_the_interrupted_plan(staged):
    out = python(SETUP + f"""
    plan, arrays = {"staged(seconds=2)" if staged else "long()"}
    def handler(*_):
        plan.run(*arrays)
    signal.signal(signal.SIGALRM, handler)
    {"signal.setitimer(signal.ITIMER_REAL, 0.3)" if staged else "signal_soon(signal.SIGALRM)"}
    try:
        plan.run(*arrays)
    except RuntimeError as error:
        print("refused" if "clone_state" in str(error) else error)
    """)
    assert out == "refused\n"


def test_signals_reach_python_not_the_helpers():
    program = convolutions(2)
    compile_program(program, Options(threads=3)).run(*image(program))
    got = []
    before = signal.signal(signal.SIGUSR1, lambda *_: got.append(threading.current_thread()))
    try:
        for _ in range(20):
            os.kill(os.getpid(), signal.SIGUSR1)
            time.sleep(0.001)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert got and set(got) == {threading.main_thread()}
