"""Where the nets that come with the project lie: ``models/`` of a checkout, or of the installed package."""

from pathlib import Path

from .errors import OptionsError

_HERE = Path(__file__).resolve().parent


def folder():
    """The folder that holds one folder for each net."""
    installed = _HERE / "models"
    return installed if installed.is_dir() else _HERE.parent / "models"


def names():
    """The nets that are there, sorted."""
    return sorted(p.parent.name for p in folder().glob("*/deploy.prototxt"))


def path(name):
    """The folder of one net; OptionsError that lists the others when there is no such net."""
    found = folder() / name
    if not (found / "deploy.prototxt").is_file():
        raise OptionsError(f"no net {name!r} comes with this package; it has {', '.join(names()) or 'none'}")
    return found


def files(name):
    """(description, weights or None where there are none) of one net; OptionsError as :func:`path`."""
    weights = path(name) / "weights.caffemodel"
    return path(name) / "deploy.prototxt", weights if weights.is_file() else None
