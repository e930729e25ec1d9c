"""scalpel_rt: run Caffe models without Caffe, pruned for the hardware they run on."""

import importlib

__version__ = "0.1.0"

# name -> the module it lives in, which is imported when the name is first used
_PLACES = {
    "load": "api", "fold": "api", "prune": "api", "scalpel": "api", "check": "checking", "compare": "comparing",
    "Net": "net", "Options": "options", "Limits": "options",
    **dict.fromkeys(("ScalpelError", "FormatError", "GraphError", "ShapeError", "WeightsError", "DataError",
                     "UnsupportedError", "OptionsError", "LimitError", "MismatchError"), "errors"),
}

__all__ = ["__version__", *_PLACES]


def __getattr__(name):
    if name in _PLACES:
        value = getattr(importlib.import_module(f".{_PLACES[name]}", __name__), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})
