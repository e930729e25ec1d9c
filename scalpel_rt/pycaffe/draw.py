"""caffe.draw: pictures of nets, by Graphviz."""

from pathlib import Path

from ..caffe import upgrade_net
from ..errors import OptionsError
from ..files import atomic_write
from ..graph import build, dump
from .net import _PHASES, TEST


def draw_net(caffe_net, rankdir="LR", ext="png", phase=None):
    """The bytes of a picture of a net.

    Parameters
    ----------
    caffe_net : NetParameter
    rankdir : "LR", "TB", "RL" or "BT"
        Where the net runs to.
    ext : str
        What pydot can make ("png", "svg", ...), which needs pydot and Graphviz, or "dot": the text for Graphviz.
    phase : caffe.TEST or caffe.TRAIN, optional
        Which layers there are; default TEST.
    """
    text = _dot(caffe_net, rankdir, phase)
    if ext in ("dot", "gv", "raw"):
        return text.encode()
    return _pydot().graph_from_dot_data(text)[0].create(format=ext)


def draw_net_to_file(caffe_net, filename, rankdir="LR", phase=None):
    """Write the picture of a net to a file; the name's ending says what kind."""
    ext = Path(filename).suffix.removeprefix(".")
    data = draw_net(caffe_net, rankdir, ext or "png", phase)
    with atomic_write(filename) as file:
        file.write(data)


def get_pydot_graph(caffe_net, rankdir="LR", phase=None):
    """The net as a ``pydot.Dot``."""
    return _pydot().graph_from_dot_data(_dot(caffe_net, rankdir, phase))[0]


def _dot(net, rankdir, phase):
    return dump(build(upgrade_net(net), _PHASES[TEST if phase is None else phase]), "dot", rankdir=rankdir)


def _pydot():
    try:
        import pydot
    except ImportError as error:
        raise OptionsError('pictures need pydot and Graphviz (pip install pydot); ext="dot" gives the text for '
                           "Graphviz without it") from error
    return pydot
