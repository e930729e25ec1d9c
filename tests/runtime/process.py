"""Code in an interpreter of its own, for what may end or hang a process."""

import os
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]

SETUP = """
    import os, signal, sys, threading, time
    import numpy as np
    from scalpel_rt.options import Options
    from scalpel_rt.plan.build import compile_graph, compile_program
    from scalpel_rt.runtime import _kernels
    from tests.runtime.nets import convolutions, image, long, staged
    from tests.runtime.process import signal_soon
    # What a shell starts in the background ignores Ctrl-C, and so do its children.
    signal.signal(signal.SIGINT, signal.default_int_handler)
"""


def run(code, timeout=300):
    """Run code in a fresh interpreter that can import the tests; the finished process."""
    return subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True,
                          timeout=timeout, cwd=ROOT)


def python(code, timeout=300):
    """As :func:`run`, for what has to end well; its standard output."""
    done = run(code, timeout)
    assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
    return done.stdout


def signal_soon(number, seconds=0.03):
    """Send this process a signal, from another thread, when the calling one has computed for so long from now.

    So the signal comes in the middle of the run that begins now, however busy the machine is. Returns a function that
    waits for that moment, and gives the caller's own time and the time of day then, both in seconds.
    """
    clock = time.pthread_getcpuclockid(threading.get_ident())
    begin, sent = time.clock_gettime(clock), []

    def wait():
        while time.clock_gettime(clock) - begin < seconds:
            time.sleep(0.001)
        sent.extend([time.clock_gettime(clock), time.monotonic()])
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()

    def moment():
        thread.join()
        return sent

    return moment
