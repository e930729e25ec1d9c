"""From files to a Net: :func:`load`. From a Net to a smaller one: :func:`fold`, :func:`prune`, :func:`scalpel`."""

import os

from .caffe import is_compact, read_compact, read_prototxt, read_weights, upgrade_net
from .errors import OptionsError, ShapeError, located
from .graph import build
from .net import Net


def read_graph(prototxt, weights=None, phase="TEST", level=0, stages=(), dialect="any", limits=None,
               allow_python=False, seed=0):
    """As :func:`load`, but the Graph, and the Weights of the file or None."""
    held = None
    if is_compact(prototxt):
        message, held = read_compact(prototxt, dialect, limits)
    else:
        message = read_prototxt(prototxt, dialect, limits=limits)
    stages = (stages,) if isinstance(stages, str) else tuple(stages)
    if weights is not None:
        held = read_weights(weights, limits)
    with located(file=os.fspath(prototxt)):
        return build(upgrade_net(message), phase, level, stages,
                     weights=held, trusted=allow_python, limits=limits, seed=seed), held


def load(prototxt, weights=None, phase="TEST", level=0, stages=(), dialect="any", limits=None, allow_python=False,
         seed=0):
    """Read a net and its weights.

    Parameters
    ----------
    prototxt : path
        The net's description, of any age (V0, V1, V2), or a compact file, which holds the weights too.
    weights : path, optional
        A binary caffemodel, HDF5, or a compact file; without it, parameters start as the fillers say.
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
    graph, held = read_graph(prototxt, weights, phase, level, stages, dialect, limits, allow_python, seed)
    return Net(graph, weights=held, limits=limits, seed=seed)


def fold(net, equalize=False):
    """A copy of ``net`` whose BatchNorm, Scale and Bias layers have gone into the weights before them, where that can
    be: a plain net, to be saved, pruned or retrained. See :mod:`scalpel_rt.pruning.fold`; with ``equalize``, the
    layers' weights are then made of like size (:mod:`scalpel_rt.pruning.equalize`).

    Raises ShapeError while the shape of an input is unknown.
    """
    from .pruning.fold import fold as folded

    if not net.graph.ready:
        raise ShapeError("the shape of an input is unknown; reshape the net first")
    graph = folded(net.graph)
    if equalize:
        from .pruning.equalize import equalize as equalized

        graph = equalized(graph)
    return Net(graph, net.options)


def prune(net, method, **options):
    """A pruned copy of ``net``, which stays as it is. Nothing is trained; see :mod:`scalpel_rt.pruning.stages` for
    that.

    Parameters
    ----------
    net : Net
    method : str
        "magnitude": single weights become zero (Han et al., 2015); options of
        :func:`scalpel_rt.pruning.magnitude.masks`: sparsity, threshold or quality, layers, scope.
        "simd": groups of weights as wide as the machine's vectors do (Scalpel); options of
        :func:`scalpel_rt.pruning.simd.masks`: width, axis, sparsity or threshold, layers, scope.
        "nodes": neurons and feature maps are taken out of the net; options of :func:`scalpel_rt.pruning.nodes.prune`:
        keep or sparsity, criterion, layers, scope, approximate.

    Returns a Net that can be saved for any Caffe. Raises OptionsError for options out of range or layers that are not
    there, WeightsError for a NaN or an infinity in any parameter, ShapeError while the shape of an input is unknown.
    """
    from .pruning import magnitude, nodes, simd, weights

    weights.check_finite(net.graph)
    if method == "nodes":
        graph = nodes.prune(net.graph, **options)
    elif method in ("magnitude", "simd"):
        masks = (magnitude if method == "magnitude" else simd).masks(net.graph, **options)
        graph = weights.apply_masks(net.graph, masks)
    else:
        raise OptionsError(f"a net is pruned by 'magnitude', 'simd' or 'nodes', not {method!r}")
    return Net(graph, net.options)


def scalpel(net, data, machine="native", *, test=None, **options):
    """Prune a trained net for a machine, as the Scalpel paper does: profile, choose for each layer, prune, retrain.

    Parameters
    ----------
    net : Net
        Stays as it is.
    data, test : Dataset, or what :func:`scalpel_rt.datasets.open_data` opens
        To retrain on, and to judge by. When ``data`` is a folder that holds both parts, ``test`` may be left out.
    machine : "native", "low", "moderate" or "high"
        This one, measured; or how much parallelism it has: a microcontroller, a CPU, a GPU.
    options
        budget (points of accuracy that may be lost, 0.3), recipe, learn, width, axis, rates, approximate, penalties,
        sparsities, settings, folder (keeps the state, so that a killed run goes on), progress, device; see
        :func:`scalpel_rt.pruning.scalpel.scalpel`.

    Returns an :class:`~scalpel_rt.pruning.scalpel.Outcome`: the pruned ``net``, ``accuracy``, ``dense_accuracy``,
    what was decided and done, and ``save(folder)``, which writes net, log and report. Needs PyTorch (the extra
    `train`).
    """
    from .datasets import Dataset, open_data
    from .pruning.scalpel import scalpel as run

    if test is None and isinstance(data, str | os.PathLike) and os.path.isdir(data):
        test = open_data(data, train=False)
    if test is None:
        raise OptionsError("test data are needed: the accuracy budget is judged by them")
    data, test = (d if isinstance(d, Dataset) else open_data(d, train=i == 0) for i, d in enumerate((data, test)))
    return run(net, data, machine, test=test, **options)
