"""Forks, spawned children, the end of the interpreter, subinterpreters, and signals that kill."""

import multiprocessing
import os
import signal
import subprocess
import sys
import sysconfig
import textwrap
import time
from concurrent.futures import ProcessPoolExecutor

import pytest

from .nets import results
from .process import ROOT, SETUP, python, run

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


@needs_fork
def test_a_fork_with_a_live_pool():
    out = python(SETUP + """
    program = convolutions(4, 16, 32)
    plan, arrays = compile_program(program, Options(threads=3)), image(program)
    want = plan.run(*arrays)
    assert _kernels.helpers() == 2
    stop = threading.Event()
    def busy():                         # another thread is in the middle of a run when the fork happens
        while not stop.is_set():
            plan.run(*arrays)
    other = threading.Thread(target=busy)
    other.start()
    for i in range(10):
        child = os.fork()
        if child == 0:
            signal.alarm(100)
            assert _kernels.helpers() == 0
            for _ in range(3):
                assert (plan.run(*arrays) == want).all()
            assert _kernels.helpers() == 2
            grandchild = os.fork()
            if grandchild == 0:
                os._exit(0 if (plan.run(*arrays) == want).all() else 3)
            assert os.waitpid(grandchild, 0)[1] == 0
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert (plan.run(*arrays) == want).all()
    stop.set()
    other.join()
    print("fine")
    """)
    assert out == "fine\n"


@needs_fork
def test_a_fork_while_another_thread_runs_stages():
    """The child may run the plan although the thread that was running it is not there to give it back."""
    assert python(SETUP + """
    plan, arrays = staged(seconds=0.5)
    want = plan.run(*arrays)
    other = threading.Thread(target=plan.run, args=arrays)
    other.start()
    time.sleep(0.1)
    child = os.fork()
    if child == 0:
        signal.alarm(100)
        os._exit(0 if (plan.run(*arrays) == want).all() else 3)
    print(os.waitpid(child, 0)[1])
    other.join()
    assert (plan.run(*arrays) == want).all()
    """) == "0\n"


@needs_fork
@pytest.mark.parametrize("program", ["convolutions(200, 64, 56)", "convolutions(1, 128, 320)",
                                     "convolutions(1, 128, 56, batch=32)"],
                         ids=["steps", "step", "turns"])
def test_a_fork_in_a_signal_handler_may_not_run_the_interrupted_plan(program):
    """But its child goes on with the run when the handler returns, and may run the plan then."""
    assert python(SETUP + f"""
    program = {program}
    plan, arrays = compile_program(program, Options(threads=2)), image(program)
    want = plan.clone_state().run(*arrays)
    seen = []
    def handler(*_):
        seen.append(os.fork())
        if seen[-1] == 0:
            signal.alarm(100)
            try:
                plan.run(*arrays)
            except RuntimeError as error:
                assert "clone_state" in str(error)
            else:
                os._exit(4)
    signal.signal(signal.SIGALRM, handler)
    me = os.getpid()
    signal_soon(signal.SIGALRM)
    same = (plan.run(*arrays) == want).all()
    if os.getpid() != me:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        other = threading.Thread(target=plan.run, args=arrays)
        other.start()
        same &= (plan.run(*arrays) == want).all()
        other.join()
        os._exit(0 if same else 3)
    print(os.waitpid(seen[0], 0)[1], bool(same))
    """) == "0 True\n"


@needs_fork
def test_ctrl_c_stops_the_run_of_a_child_that_another_thread_forked():
    """There, that thread is the main one, and so the one that Python gives signals to."""
    assert python(SETUP + """
    plan, arrays = long()
    def fork():
        child = os.fork()
        if child:
            statuses.append(os.waitpid(child, 0)[1])
            return
        signal.alarm(100)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        clock = time.pthread_getcpuclockid(threading.get_ident())
        begin = time.clock_gettime(clock)
        plan.run(*arrays)
        whole = time.clock_gettime(clock) - begin
        try:
            moment = signal_soon(signal.SIGINT)
            plan.run(*arrays)
            time.sleep(10)
        except KeyboardInterrupt:
            if time.clock_gettime(clock) - moment()[0] < whole / 2:
                os._exit(0)
        os._exit(3)
    statuses = []
    thread = threading.Thread(target=fork)
    thread.start()
    thread.join()
    print(statuses)
    """) == "[0]\n"


def test_a_spawned_process_gives_the_same_bits():
    results(0)                          # a live pool here
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        there = list(pool.map(results, range(4)))
    assert [bytes_ for bytes_, _ in there] == [results(seed)[0] for seed in range(4)]
    assert all(helpers == 1 for _, helpers in there)


@pytest.mark.parametrize("pause", [0, 0.05], ids=["awake", "asleep"])
def test_an_exit_with_live_helpers_is_clean(pause):
    assert python(SETUP + f"""
    program = convolutions(2)
    compile_program(program, Options(threads=4)).run(*image(program))
    print(_kernels.helpers())
    time.sleep({pause})
    """) == "3\n"


@pytest.mark.parametrize("threads", [1, 3])
def test_an_exit_while_daemon_threads_run_is_clean(threads):
    """The interpreter goes down under threads that are in the middle of a run."""
    for milliseconds in (0, 1, 3, 10, 30):
        done = run(SETUP + f"""
        program = convolutions(6, 16, 40)
        plan, arrays = compile_program(program, Options(threads={threads})), image(program)
        began = threading.Semaphore(0)
        def busy(mine):
            while True:
                mine.run(*arrays)
                began.release()
        for mine in (plan, plan, plan.clone_state()):
            threading.Thread(target=busy, args=(mine,), daemon=True).start()
        for _ in range(6):
            began.acquire()
        time.sleep({milliseconds / 1000})
        print("end")
        """.replace("\n    ", "\n"), timeout=300)
        assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


def test_a_run_at_exit_works():
    assert python(SETUP + """
    import atexit
    program = convolutions(2)
    plan, arrays = compile_program(program, Options(threads=2)), image(program)
    atexit.register(lambda: print(plan.run(*arrays).shape))
    """) == "(1, 32, 56, 56)\n"


def test_a_signal_that_kills_does_so_at_once():
    child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(SETUP + """
    program = convolutions(20)
    plan, arrays = compile_program(program, Options(threads=3)), image(program)
    print("ready", flush=True)
    while True:
        plan.run(*arrays)
    """)], stdout=subprocess.PIPE, cwd=ROOT)
    assert child.stdout.readline() == b"ready\n"
    time.sleep(0.05)
    child.terminate()
    assert child.wait(100) == -signal.SIGTERM
    child.stdout.close()


@pytest.mark.parametrize("before", ["", "import scalpel_rt.api"], ids=["alone", "beside one"])
@pytest.mark.parametrize("config", ["isolated", "legacy"])
def test_a_subinterpreter_is_refused(config, before):
    """By an ImportError: the pool, and the objects that NumPy makes, are of one interpreter.

    An interpreter of the legacy kind asks for no support, so there a process may have one, and no second.
    """
    if sys.version_info < (3, 12):
        pytest.skip("before Python 3.12 an extension could not say that it bears no subinterpreters")
    assert python(f"""
    import textwrap
    try:
        import _interpreters as interpreters
        made = interpreters.create({config!r})
    except ImportError:
        import _xxsubinterpreters as interpreters
        made = interpreters.create(isolated={config == "isolated"})
    {before}
    interpreters.run_string(made, textwrap.dedent('''
        try:
            import scalpel_rt.runtime._kernels
        except ImportError:
            print("refused")
        else:
            print("imported")
    '''))
    interpreters.destroy(made)
    """) == ("imported\n" if config == "legacy" and not before else "refused\n")


def test_without_a_gil_it_is_asked_back():
    """Free-threaded Python was not tested, and so is not declared: importing the extensions turns the GIL on."""
    if not sysconfig.get_config_var("Py_GIL_DISABLED"):
        assert b"Py_mod_gil" not in (ROOT / "setup.py").read_bytes()
        assert b"freethreading_compatible" not in (ROOT / "setup.py").read_bytes()
        pytest.skip("this Python has a GIL")
    assert python("import sys, scalpel_rt; print(sys._is_gil_enabled())") == "True\n"
