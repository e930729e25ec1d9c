"""Code in an interpreter of its own, for what may end or hang a process."""

import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[2]

SETUP = """
    import os, signal, sys, threading, time
    import numpy as np
    from scalpel_rt.options import Options
    from scalpel_rt.plan.build import compile_graph, compile_program
    from scalpel_rt.runtime import _kernels
    from tests.runtime.nets import convolutions, image, long, staged
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
