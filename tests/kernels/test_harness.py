"""The harness sees what a bad kernel does: these stand-ins for a kernel each do one thing wrong."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from . import harness

X = np.arange(1, 9, dtype=np.float32)


def copy(x, y, tid, nt):
    part = slice(len(x) * tid // nt, len(x) * (tid + 1) // nt)
    y[part] = x[part]


def beyond(array, at):
    """The element ``at`` places from the end of ``array``, as memory."""
    return np.lib.stride_tricks.as_strided(array[-1:], (at + 1,))[at:]


def reads_behind(x, y, tid, nt):
    copy(x, y, tid, nt)
    y[0] = x[0] + 0 * beyond(x, 1)[0]


def writes_behind(x, y, tid, nt):
    copy(x, y, tid, nt)
    beyond(y, 1)[0] = 0


def writes_input(x, y, tid, nt):
    copy(x, y, tid, nt)
    x[0] = 5


def misses_one(x, y, tid, nt):
    copy(x[1:], y[1:], tid, nt)


def depends_on_parts(x, y, tid, nt):
    copy(x, y, tid, nt)
    y[3] = nt


def sees_alignment(x, y, tid, nt):
    copy(x, y, tid, nt)
    y[3] = x.ctypes.data % 64


def run(monkeypatch, body):
    def call(kernel, args, threads):
        for tid in range(threads):
            body(args["x"], args["y"], tid, threads)

    monkeypatch.setattr(harness._kernels, "call", call)
    return harness.run(None, {"x": X}, {"y": X.shape})["y"]


def test_a_good_kernel_passes(monkeypatch):
    assert (run(monkeypatch, copy) == X).all()


@pytest.mark.parametrize("body", [reads_behind, writes_behind, writes_input, misses_one, depends_on_parts,
                                  sees_alignment])
def test_a_bad_kernel_fails(monkeypatch, body):
    with pytest.raises(AssertionError):
        run(monkeypatch, body)


@pytest.mark.parametrize("at", ["n", "-1"])
def test_a_read_that_does_not_matter_is_fatal(at):
    program = f"""
import ctypes
import numpy as np
from tests.kernels import harness

def call(kernel, args, threads):
    args["y"][:] = args["x"]
    n = args["x"].size
    ctypes.c_float.from_address(args["x"].ctypes.data + 4 * ({at})).value

harness._kernels.call = call
harness.run(None, {{"x": np.ones(8, np.float32)}}, {{"y": 8}})
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[2], capture_output=True)
    # AddressSanitizer reports the signal in words and exits.
    assert done.returncode == -signal.SIGSEGV or b"SEGV" in done.stderr, done.stderr.decode()


def test_assert_close_sees_an_error_and_special_values():
    want = np.array([1.0, np.nan, np.inf, 1e300])
    harness.assert_close(np.array([1.0, np.nan, np.inf, np.inf], np.float32), want, 0)
    for bad in ([1.1, np.nan, np.inf, np.inf], [1, 0, np.inf, np.inf], [1, np.nan, -np.inf, np.inf],
                [np.nan, np.nan, np.inf, np.inf], [1, np.nan, np.inf, 3e38]):
        with pytest.raises(AssertionError):
            harness.assert_close(np.array(bad, np.float32), want, 0.01)


def test_assert_ulps_counts_units_in_the_last_place():
    want = np.array([1.0, 1e-40, 0.0])
    harness.assert_ulps(np.nextafter(np.float32(want), np.float32(2)), want, 1.5)
    with pytest.raises(AssertionError):
        harness.assert_ulps(np.array([1 + 4 * harness.EPS, 1e-40, 0], np.float32), want, 3)
