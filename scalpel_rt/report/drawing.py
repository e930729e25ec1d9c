"""A net as a picture, drawn by Graphviz: its layers, what goes from one to the next, how sparse each is."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import OptionsError, UnsupportedError
from ..files import atomic_write
from ..graph import dump

FORMS = ("svg", "png", "pdf")
FULL = (0x56, 0xB4, 0xE9)       # the colour of a layer whose weights are all zero; black text can be read on it
SECONDS = 120                   # then dot is not going to end


@dataclass(frozen=True)
class Drawing:
    """``svg``: the picture as text; ``dot``: what Graphviz was given."""

    svg: str
    dot: str

    def _repr_svg_(self):
        return self.svg[self.svg.index("<svg"):]


def draw(graph, path=None, rankdir="TB"):
    """The :class:`Drawing` of a graph; also written to ``path`` (.svg, .png, .pdf) if that is given.

    Raises UnsupportedError where the program ``dot`` is not there or fails, OptionsError for another ending or rankdir.
    """
    form = None if path is None else Path(path).suffix.lower().removeprefix(".")
    if form not in (None, *FORMS):
        raise OptionsError(f"{path}: a net is drawn as .{', .'.join(FORMS)}")
    text = dump(graph, "dot", rankdir, notes=_notes(graph))
    svg = _run(text, "svg")
    if path is not None:
        with atomic_write(path) as file:
            file.write(svg if form == "svg" else _run(text, form))
    return Drawing(svg.decode(), text)


def _notes(graph):
    """{Node: ("93 % zeros", colour)} of the layers with a matrix of weights."""
    notes = {}
    for node in graph.nodes if graph.ready else ():
        matrices = [p.array for p in node.params if len(p.shape) > 1]
        size = sum(m.size for m in matrices)
        if size:
            zeros = 1 - sum(int(np.count_nonzero(m)) for m in matrices) / size
            channels = (round(255 + zeros * (full - 255)) for full in FULL)
            notes[node] = f"{100 * zeros:.0f} % zeros", "#" + "".join(f"{c:02x}" for c in channels)
    return notes


def _run(text, form):
    program = shutil.which("dot")
    if program is None:
        raise UnsupportedError("drawing a net needs Graphviz: its program 'dot' is not on the path "
                               "(apt install graphviz, brew install graphviz)")
    try:
        done = subprocess.run([program, f"-T{form}"], input=text.encode(), capture_output=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise UnsupportedError(f"Graphviz did not draw the net within {SECONDS} s") from None
    if done.returncode:
        raise UnsupportedError(f"Graphviz failed: {done.stderr.decode(errors='replace').strip()[:200]}")
    return done.stdout
