"""One file for each form in which a kernel wants its weights. Importing this package registers them all."""

import importlib
import pkgutil

from ._base import Form, find, packed, register

for _module in pkgutil.iter_modules(__path__):
    if not _module.name.startswith("_"):
        importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["Form", "find", "packed", "register"]
