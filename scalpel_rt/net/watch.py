"""Notices when an array that was handed out has been written to."""

import weakref
import zlib

import numpy as np


class Watch:
    """Arrays in the hands of a user, and what they held when last looked at.

    NumPy tells nobody of a write, so the content is compared by checksum, as long as a view may be in somebody's
    hands. Checksums are only taken while :attr:`active`: before anything was made of the values, a change is no news.
    """

    def __init__(self):
        self._entries = {}      # key -> [array, checksum or None, weak references to the views]
        self._active = False

    @property
    def active(self):
        """Whether changes are looked for."""
        return self._active

    @active.setter
    def active(self, active):
        if active and not self._active:
            for key in list(self._entries):
                entry = self._entries[key]
                if _held(entry):
                    entry[1] = _checksum(entry[0])
                else:
                    del self._entries[key]
        self._active = active

    def hand_out(self, key, array):
        """A writable view of ``array`` (C-contiguous, writable) for a user; ``key`` is what :meth:`changed` returns.

        The view has a base of its own, so that it lives as long as anything that was made from it.
        """
        view = np.asarray(memoryview(array))
        self.lend(key, array, view)
        return view

    def lend(self, key, array, view):
        """As :meth:`hand_out`, of a ``view`` that was made before: for several to watch one array."""
        entry = self._entries.get(key)
        if entry is None or entry[0] is not array:
            entry = self._entries[key] = [array, _checksum(array) if self._active else None, []]
        entry[2] = [ref for ref in entry[2] if ref() is not None] + [weakref.ref(view)]

    @property
    def lent(self):
        """Whether anything that was handed out may still be written to."""
        return any(_held(entry) for entry in self._entries.values())

    def held(self, key):
        """Whether somebody may still write to what was handed out under ``key``."""
        return key in self._entries and _held(self._entries[key])

    def changed(self):
        """The keys of arrays written to since this was last asked; forgets those that nobody holds any more."""
        if not self._active:
            return []
        found = []
        for key, entry in list(self._entries.items()):
            held = _held(entry)     # asked first: a view that dies while we look may have been written before
            checksum = _checksum(entry[0])
            if checksum != entry[1]:
                entry[1] = checksum
                found.append(key)
            if not held:
                del self._entries[key]
        return found


def _held(entry):
    return any(ref() is not None for ref in entry[2])


def _checksum(array):
    return zlib.crc32(memoryview(array.reshape(-1).view(np.uint8)))
