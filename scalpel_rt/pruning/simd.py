"""SIMD-aware pruning: aligned groups of weights, as wide as the machine's vectors, become zero together.

Source: Yu et al., "Scalpel: Customizing DNN Pruning to the Underlying Hardware Parallelism", ISCA 2017, section 4.1.
Other than in the authors' code, the last, shorter group of a row is judged like the rest, and importance may be
weighed within each layer.
"""

import numbers

import numpy as np

from .. import isa
from ..errors import OptionsError
from .choose import asked, select
from .weights import by_owner, weights

WIDTHS = (2, 4, 8, 16)
AXES = ("in", "out")


def masks(graph, *, width="native", axis="in", sparsity=None, threshold=None, layers=None, scope="layer"):
    """Choose groups of weights by the root of their mean square.

    Parameters
    ----------
    graph : Graph
    width : 2, 4, 8, 16 or "native"
        Weights in a group; "native" is what :func:`native_width` says.
    axis : "in" or "out"
        A group is ``width`` neighbours along the inputs of one output (the paper's), or along the outputs, of one
        input. It starts at a multiple of ``width`` in the row or column of the weight matrix (outputs, inputs *
        kernel height * kernel width); for a grouped convolution, columns start anew in each of its groups. What
        sticks out of the matrix counts for nothing: a shorter group is judged by the weights that it has.
    sparsity : float in [0, 1) or {layer: float}
        Share of the weights to remove; exceeded by less than one group.
    threshold : float or {layer: float}
        Groups whose importance is below it go.
    layers, scope, returns, errors
        As for :func:`scalpel_rt.pruning.magnitude.masks`.
    """
    way, value, found = check(graph, width=width, axis=axis, sparsity=sparsity, threshold=threshold, layers=layers,
                              scope=scope)
    width = check_width(width)
    groups = {w.layer: importance(w.matrix(), width, axis, w.parts) for w in found}
    kept = select(way, value, groups, scope)
    return {w.key: w.restored(_spread(kept[w.layer], w.matrix().shape, width, axis, w.parts)) for w in found}


def check(graph, *, width="native", axis="in", sparsity=None, threshold=None, layers=None, scope="layer"):
    """As :func:`scalpel_rt.pruning.magnitude.check`, for options of :func:`masks`."""
    way, value, layers = asked(layers, scope, sparsity=sparsity, threshold=threshold)
    check_width(width)
    if axis not in AXES:
        raise OptionsError(f"axis must be one of {', '.join(AXES)}, not {axis!r}")
    found = weights(graph, layers)
    return way, by_owner(value, found), found


def importance(matrix, width, axis, parts=1):
    """(root of the mean square, number of weights) of every group, two arrays: (outputs, groups) or (groups,
    inputs)."""
    along = 1 if axis == "in" else 0
    starts, sizes = _groups(matrix.shape[along], width, parts if axis == "out" else 1)
    with np.errstate(over="ignore", under="ignore"):
        sums = np.add.reduceat(matrix * matrix, starts, axis=along, dtype=np.float64)
    sizes = np.broadcast_to(sizes if axis == "in" else sizes[:, None], sums.shape)
    return np.sqrt(sums / sizes), sizes


def native_width(level=None):
    """The lanes of the vectors of an instruction set (default: the one in use), and at least 4: kernels know no
    smaller groups."""
    return max(4, isa.LANES[isa.active(level)])


def check_width(width):
    """``width`` as a number; OptionsError for one that the formats and kernels do not have."""
    if isinstance(width, str) and width == "native":
        return native_width()
    if not isinstance(width, numbers.Integral) or isinstance(width, bool) or width not in WIDTHS:
        raise OptionsError(f"a group has {', '.join(map(str, WIDTHS))} weights, or 'native' for as many as this "
                           f"machine's vectors, not {width!r}")
    return int(width)


def _groups(length, width, parts):
    """(where each group starts, how many weights it has) along an axis of ``length`` that is ``parts`` equal
    stretches."""
    each = length // parts
    starts = (np.arange(parts)[:, None] * each + np.arange(0, each, width)).ravel()
    return starts, np.diff(starts, append=length)


def _spread(kept, shape, width, axis, parts):
    """The groups' mask as one for the weights."""
    along = 1 if axis == "in" else 0
    return np.repeat(kept, _groups(shape[along], width, parts if axis == "out" else 1)[1], axis=along)
