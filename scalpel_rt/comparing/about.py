"""What a reader needs to make Results again: machine, versions, commit, time."""

import importlib.metadata
import platform
import subprocess
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import scipy

from .. import __version__, peers
from ..isa import machine as facts
from ..profile.machine import peaks
from ..report.results import About, Machine

PACKAGES = {"opencv": "opencv-python-headless", "blas": "threadpoolctl", "mkl_csr": "mkl"}


def about(command, seeds, settings, isa):
    """The About of Results that are made now; ``settings["engines"]`` and the peers among its methods get versions."""
    used = [name for name in peers.NAMES if name in settings.get("engines", ())
            or name.replace("_", "-") in settings.get("methods", ())]
    versions = {"scalpel_rt": __version__, "python": platform.python_version(), "numpy": np.__version__,
                "scipy": scipy.__version__}
    versions.update({name: found for name in used if (found := _version(PACKAGES.get(name, name)))})
    return About(datetime.now(timezone.utc).isoformat(timespec="seconds"), command, commit(), versions, seeds, settings,
                 machine(isa))


def machine(isa):
    """This machine, with its peaks for an instruction set (measured once, then remembered)."""
    best, known = peaks(), facts()
    sizes = {"L1": known.l1d, "L2": known.l2, "L3": known.l3}
    return Machine(known.name, isa, known.cores, {str(n): rate for n, rate in best.flops.get(isa, {}).items()},
                   {level: {str(n): rate for n, rate in rates.items()} for level, rates in best.reading.items()},
                   {level: size for level, size in sizes.items() if size})


def commit():
    """The commit that this source is at, with "+" where it was changed since; None outside of a repository."""
    here = Path(__file__).resolve().parent
    try:
        top, head, changes = (_git(here, *args) for args in (
            ("rev-parse", "--show-toplevel"), ("rev-parse", "--short=12", "HEAD"),
            ("status", "--porcelain", "--untracked-files=no")))
    except (OSError, subprocess.SubprocessError):
        return None
    # An installed package may lie inside somebody else's repository.
    return head + "+" * bool(changes) if (Path(top) / "scalpel_rt") == here.parent else None


def _git(folder, *args):
    return subprocess.run(["git", "-C", str(folder), *args], capture_output=True, text=True, check=True,
                          timeout=10).stdout.strip()


def _version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
