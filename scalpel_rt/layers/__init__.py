"""Caffe's layers, one file a type. Importing this package registers them all."""

import importlib
import pkgutil

from ._base import Layer
from ._registry import find, register, types, unregister

for _module in pkgutil.iter_modules(__path__):
    if not _module.name.startswith("_"):
        importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["Layer", "find", "register", "types", "unregister"]
