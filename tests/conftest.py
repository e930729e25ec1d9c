"""What tests of all packages share."""

import os

# Before NumPy is imported: the reference's matrices are small, and threads of OpenBLAS that wait for each other on
# busy cores make it ten times slower.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Estimates alone choose the kernels, so that a failure can be made again, and planning takes no time; what is measured
# has tests of its own (tests/plan/test_tune.py).
os.environ.setdefault("SCALPEL_TUNE", "0")

# ruff: noqa: E402
from pathlib import Path

import hypothesis
import pytest

# How long an example takes says more about what else the machine does than about the code.
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")

SHARED = Path(__file__).resolve().parents[1].parent / "shared"


def pytest_report_header():
    from scalpel_rt import isa

    return f"scalpel_rt: level {isa.active()} of {', '.join(isa.runnable())}; built in: {', '.join(isa.built_in())}"


@pytest.fixture(scope="session")
def shared():
    """The folder ``../shared`` beside the repository: golden cases, models, prototxts, data.

    Without it the test is skipped, loudly; in CI (the variable CI is set) it fails.
    """
    if not SHARED.is_dir():
        reason = f"{SHARED} is not there, so nothing was tested against real files"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return SHARED
