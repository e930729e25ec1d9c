"""What targets share: where seeds come from, and what is done with a net that came through."""

import random
from pathlib import Path

from scalpel_rt.errors import ScalpelError
from tests.golden.test_fuzz import run

ROOT = Path(__file__).resolve().parents[1]
CASES = ROOT / "tests" / "golden" / "cases"


def small(pattern, most=20000):
    """The contents of the golden cases' small files of a name."""
    return [path.read_bytes() for path in sorted(CASES.glob(pattern)) if path.stat().st_size <= most]


def refused_or(function, *args, also=()):
    """What the function gives; None where it raises an error of ours (or one of ``also``), which says something."""
    try:
        return function(*args)
    except (ScalpelError, *also) as error:
        assert str(error)
        return None


def run_small(text):
    """Run a net as the golden cases' own mutations are: small ones, against the reference."""
    return run(text, random.Random(0))
