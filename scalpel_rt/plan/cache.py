"""Measurements that are remembered, so that they are made once for a machine and a build.

They are kept in one file for each machine in the user's cache folder (``SCALPEL_CACHE`` names another). A file that
cannot be read counts as empty, one that cannot be written is not; nothing here is ever an error.
"""

import hashlib
import json
import os
import sys
from pathlib import Path

from .. import __version__
from ..files import atomic_write, read_whole
from ..runtime import _kernels

MOST_ENTRIES = 20_000   # in a file; beyond, the oldest go


def open_cache(machine):
    """The Cache of a :class:`scalpel_rt.isa.Machine`."""
    return Cache(cache_folder() / f"{digest(machine.name)}.json")


class Cache:
    """{key: {name: number}} in a JSON file that other processes may read and write at the same time."""

    def __init__(self, path):
        self._path = Path(path)
        self._held = _read(self._path)
        self._new = {}

    def get(self, key):
        return self._held.get(key, {})

    def put(self, key, numbers):
        self._held[key] = {**self._held.get(key, {}), **numbers}
        self._new[key] = self._held[key]

    def save(self):
        if not self._new:
            return
        held = _read(self._path)
        for key, numbers in self._new.items():
            held[key] = {**held.pop(key, {}), **numbers}
        held = dict(list(held.items())[-MOST_ENTRIES:])
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(self._path, "w") as file:
                json.dump(held, file)
        except OSError:
            return              # a read-only home: measured again next time
        self._new = {}


def _read(path):
    """What a cache file holds; nothing where there is none, or where it is not what it should be."""
    try:
        held = json.loads(read_whole(path))
        if all(isinstance(x, float) and x >= 0 for entry in held.values() for x in entry.values()):
            return held
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        pass
    return {}


def cache_folder():
    """Where measurements are kept."""
    if os.environ.get("SCALPEL_CACHE"):
        return Path(os.environ["SCALPEL_CACHE"])
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "scalpel_rt"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "scalpel_rt"


def build():
    """What tells this build of the kernels from any other: for keys."""
    file = os.stat(_kernels.__file__)
    return __version__, file.st_size, file.st_mtime_ns


def digest(text):
    """A short name for a long key."""
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
