"""Every test here that takes ``kernel`` runs on each kernel of the list that its module names.

A module says what it tests in ``TESTS``, a tuple of "<kind>_<form>" as in scl_kernels.def: a new line of a known kind
and form is tested without touching a test, and test_list.py fails for a line that no module names.
"""

import numpy as np
import pytest

from scalpel_rt import isa
from scalpel_rt.runtime import _kernels


def pytest_generate_tests(metafunc):
    if "kernel" in metafunc.fixturenames:
        tested = metafunc.module.TESTS
        chosen = [k for k in _kernels.kernels() if f"{k.kind}_{k.form}" in tested]
        metafunc.parametrize("kernel", chosen, ids=[k.symbol for k in chosen], indirect=True)


@pytest.fixture
def kernel(request):
    """One kernel of the list; skipped, loudly, where this machine cannot run it."""
    if request.param.isa not in isa.runnable():
        pytest.skip(f"this machine has no {request.param.isa}")
    return request.param


@pytest.fixture
def lanes(kernel):
    """How many floats a vector of the kernel's instruction set holds."""
    return isa.LANES[kernel.isa]


@pytest.fixture
def rng(request):
    """Random numbers that are the same whenever the same test runs."""
    return np.random.default_rng(list(request.node.name.encode()))
