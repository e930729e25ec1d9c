"""Results to a file of any form, by the ending of its name."""

from pathlib import Path

from ..errors import OptionsError
from ..files import atomic_write
from . import plots, tables
from .html import page

FORMS = ("html", "csv", "json", "md", "png", "svg", "txt")


def form_of(path):
    """The one of :data:`FORMS` that a file's name ends in; OptionsError for another ending."""
    form = Path(path).suffix.lower().removeprefix(".")
    if form not in FORMS:
        raise OptionsError(f"{path}: a report is written as .{', .'.join(FORMS)}")
    return form


def write(results, path, plot="layers", net=None, layers=False):
    """Write a report, atomically.

    path : its ending is one of :data:`FORMS`; .json can be read again.
    plot : for .png and .svg, one of :data:`scalpel_rt.report.plots.PLOTS`, or "all", which writes NAME-PLOT.png
        for each that there is something for.
    net : whose plot; default the first net's.
    layers : for .csv and .txt, whether layers are listed.

    Returns the paths that were written. Raises OptionsError for another ending, or an empty plot.
    """
    path, form = Path(path), form_of(path)
    if form in ("png", "svg"):
        if plot != "all":
            plots.save(results, path, plot, net)
            return [path]
        names = [name for name in plots.PLOTS if plots.draw(results, name, net) is not None]
        paths = [path.with_name(f"{path.stem}-{name}{path.suffix}") for name in names]
        for name, each in zip(names, paths, strict=True):
            plots.save(results, each, name, net)
        return paths
    if form == "json":
        results.save(path)
        return [path]
    made = {"html": lambda: page(results), "csv": lambda: tables.csv_text(results, layers),
            "md": lambda: tables.markdown(results), "txt": lambda: tables.text(results, width=160, layers=layers)}
    with atomic_write(path) as file:
        file.write(made[form]().encode("utf-8", "backslashreplace"))    # a name may be no text in any encoding
    return [path]
