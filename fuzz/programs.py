"""Random programs: every kernel that could do an operation, against the interpreter of programs.

The bytes pick the program, its size, the threads, and with them which of the legal kernels does each operation.
"""

import numpy as np
import pytest

from scalpel_rt.options import Options
from scalpel_rt.plan import build
from tests.plan.programs import random_program
from tests.plan.test_build import compare, with_any_kernel


def seeds():
    return [bytes(np.random.default_rng(i).integers(0, 256, 6, np.uint8)) for i in range(16)]


def once(data, scratch):
    size, threads, *seed = data[:6].ljust(6, b"\0")
    with pytest.MonkeyPatch.context() as patch:
        with_any_kernel(patch, size)
        patch.setattr(build, "threads_worth", lambda ns, most: most)
        patch.setattr(build, "cuts_worth", lambda ns, threads, *_: 1 + size % 3)
        program, arrays = random_program(int.from_bytes(bytes(seed), "little"), 1 + size % 25)
        compare(program, arrays, Options(tune=True, threads=1 + threads % 3))
