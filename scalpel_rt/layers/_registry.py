"""Which class runs which layer type. Files of this folder register themselves; users may add their own."""

import difflib

from ..errors import UnsupportedError
from ._base import Layer

_classes = {}


def register(cls):
    """Class decorator: make ``cls`` the layer for its ``type``; a later registration replaces an earlier one."""
    if not (isinstance(cls, type) and issubclass(cls, Layer) and isinstance(cls.type, str) and cls.type):
        raise TypeError(f"{cls!r} must be a Layer subclass with a non-empty `type`")
    _classes[cls.type] = cls
    return cls


def unregister(type_name):
    """Take a registered type out again (tests and notebooks that redefine a layer)."""
    _classes.pop(type_name, None)


def types():
    """All known layer types, sorted."""
    return sorted(_classes)


def find(type_name):
    """The class for a layer type; UnsupportedError with the nearest known names when there is none."""
    try:
        return _classes[type_name]
    except KeyError:
        near = difflib.get_close_matches(type_name, _classes, n=3, cutoff=0.6)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise UnsupportedError(f"unknown layer type {type_name!r}{hint}") from None
