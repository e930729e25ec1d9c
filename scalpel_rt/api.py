"""From files to a Net: :func:`load`."""

import os

from .caffe import read_prototxt, read_weights, upgrade_net
from .errors import located
from .graph import build
from .net import Net


def load(prototxt, weights=None, phase="TEST", level=0, stages=(), dialect="any", limits=None, allow_python=False,
         seed=0):
    """Read a net and its weights.

    Parameters
    ----------
    prototxt : path
        The net's description, of any age (V0, V1, V2).
    weights : path, optional
        A binary caffemodel or HDF5; without it, parameters start as the fillers say.
    phase : "TEST" or "TRAIN"
    level : int
    stages : sequence of str
        The state that include and exclude rules are held against, as for Caffe's Net.
    dialect : "any" or "bvlc"
        Which fields there are: those of public forks too, or Caffe's own alone.
    limits : Limits, optional
        How large the net may be.
    allow_python : bool
        Let the net's Python layers run, and layers that write files; only for nets that you trust.
    seed : int
        Of the fillers.

    Raises OSError where a file cannot be read, :class:`~scalpel_rt.errors.ScalpelError` naming file, line or layer
    for whatever is wrong in it.
    """
    message = read_prototxt(prototxt, dialect)
    stages = (stages,) if isinstance(stages, str) else tuple(stages)
    held = None if weights is None else read_weights(weights)
    with located(file=os.fspath(prototxt)):
        graph = build(upgrade_net(message), phase, level, stages,
                      weights=held, trusted=allow_python, limits=limits, seed=seed)
    return Net(graph, weights=held, limits=limits, seed=seed)
