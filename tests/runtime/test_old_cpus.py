"""Processors without AVX and without SSE4.1, as QEMU plays them: the right level is picked, and nothing else runs.

``make oldcpus`` runs these with a NumPy that knows such processors, and the demo and parts of the other tests
beside them.
"""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scalpel_rt import isa

ROOT = Path(__file__).parents[2]

#: What QEMU calls a processor, and the highest level that it can run.
CPUS = {"core2duo": "scalar", "Penryn": "sse41", "Nehalem": "sse41", "Haswell": "avx2"}


def play(cpu, *arguments):
    """A finished run of this Python on ``cpu``."""
    if shutil.which("qemu-x86_64") is None:
        pytest.skip("no qemu-x86_64 here, so no old processor was tried")
    if CPUS[cpu] not in isa.built_in():
        pytest.skip(f"this build has no {CPUS[cpu]}")
    free = {name: value for name, value in os.environ.items() if name != "SCALPEL_ISA"}     # a forced level
    done = subprocess.run(["qemu-x86_64", "-cpu", cpu, sys.executable, *arguments], cwd=ROOT, capture_output=True,
                          text=True, timeout=300, env=free)
    if done.returncode and not imports_numpy(cpu):
        pytest.skip(f"this NumPy does not run on a {cpu}; make oldcpus takes one that does")
    return done


def imports_numpy(cpu):
    return subprocess.run(["qemu-x86_64", "-cpu", cpu, sys.executable, "-c", "import numpy"], timeout=300,
                          capture_output=True).returncode == 0


@pytest.mark.parametrize("cpu", CPUS)
def test_a_net_runs_at_the_right_level(cpu):
    done = play(cpu, "-c", """if True:
        import numpy as np, scalpel_rt as srt
        from scalpel_rt import isa, zoo
        folder = zoo.path("lenet5")
        net = srt.load(folder / "deploy.prototxt", folder / "weights.caffemodel")
        digits = np.load(folder / "digits.npz")
        scores = net.forward(data=digits["images"][:8, None] / np.float32(256))["prob"]
        print(isa.active(), isa.runnable()[-1], (scores.argmax(1) == digits["labels"][:8]).all())""")
    assert done.stdout == f"{CPUS[cpu]} {CPUS[cpu]} True\n", done.stderr


def test_a_level_that_is_missing_is_refused():
    done = play("Nehalem", "-c", "import scalpel_rt as srt; srt.Options(isa='avx2')")
    assert done.returncode and "OptionsError: isa='avx2': this machine cannot run it" in done.stderr


def test_an_instruction_that_is_missing_would_be_seen():
    """A kernel that is called past all checks ends the process, so QEMU does know what the processor lacks."""
    done = play("Nehalem", "-c", """if True:
        import numpy as np
        from scalpel_rt.runtime import _kernels
        x, kernels = np.ones(64, np.float32), _kernels.kernels()
        [level] = [k for k in kernels if k.symbol == "scl_affine_plain__avx2"]
        args = dict(x=x, y=np.zeros(64, np.float32), scale=np.full(1, 2, np.float32), outer=1, c=1, inner=64)
        print("before", flush=True)
        _kernels.call(level, args)""")
    assert done.stdout == "before\n"
    assert done.returncode in (-signal.SIGILL, 128 + signal.SIGILL), (done.returncode, done.stderr)
