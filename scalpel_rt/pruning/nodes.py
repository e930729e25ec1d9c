"""Node pruning without data: which neurons and feature maps matter least, by their weights or by name.

Removal is physical (:mod:`.remove`): a plain net with smaller layers comes out. For finding redundant nodes by
training, as Scalpel does, see :mod:`.stages` and :mod:`scalpel_rt.train.masks`.
"""

import numbers
from collections import defaultdict

import numpy as np

from ..errors import OptionsError, WeightsError
from ..layers.deconvolution import Deconvolution
from .choose import asked
from .couple import couple
from .remove import remove
from .weights import check_layer

CRITERIA = ("l1", "l2", "bn_scale")


def prune(graph, *, keep=None, sparsity=None, criterion="l1", layers=None, scope="layer", approximate=False):
    """Remove nodes; returns a smaller Graph.

    Parameters
    ----------
    graph : Graph
    keep : {layer: int or list of int}
        How many nodes (neurons of an InnerProduct, feature maps of a convolution) stay, or which.
    sparsity : float in [0, 1) or {layer: float}
        Share of the nodes to remove, rounded down.
    criterion : "l1", "l2" or "bn_scale"
        Importance of a node where it is not named: sum of magnitudes or root of the sum of squares of its weights, or
        magnitude of its factor in the Scale that follows (Liu et al., "Network Slimming", ICCV 2017); relative to the
        mean over the layer, and the mean of all nodes that have to go together.
    layers : iterable of str, optional
        With one sparsity for all: only these; default all that can lose nodes.
    scope : "layer" or "global"
        With one sparsity for all: whether each layer loses that share, or all together.
    approximate : bool
        Also remove nodes that an LRN across channels reads: the others' sums then lack them, so the result is no
        longer exactly that of the masked net.

    Exactly one of ``keep`` and ``sparsity`` is given. Nodes that are coupled (by an Eltwise, by a depthwise
    convolution, by shared weights) go together. From the groups of a grouped convolution equally many are taken where
    the numbers allow it. Raises OptionsError for what is out of range, names no layer, cannot go (the reason is
    given), or would leave a layer without nodes, WeightsError for a NaN.
    """
    coupling = couple(graph, approximate)
    return remove(coupling, choose(coupling, keep=keep, sparsity=sparsity, criterion=criterion, layers=layers,
                                   scope=scope))


def choose(coupling, *, keep=None, sparsity=None, criterion="l1", layers=None, scope="layer"):
    """The classes that go, bool array (classes,); parameters as for :func:`prune`."""
    way, value, layers = check(coupling, keep=keep, sparsity=sparsity, criterion=criterion, layers=layers, scope=scope)
    free = {name: classes for name, classes in coupling.makers.items() if removable(coupling, classes).any()}
    choice = _Choice(coupling, criterion)
    if way == "keep":
        wanted = value
    elif isinstance(value, dict):
        wanted = {name: _left(coupling.makers[name], share) for name, share in value.items()}
    elif scope == "global":
        return choice.weakest(list(free if layers is None else layers), value)
    else:
        wanted = {name: _left(coupling.makers[name], value) for name in (free if layers is None else layers)}
        if layers is None:
            wanted = {name: max(n, np.count_nonzero(~removable(coupling, free[name]))) for name, n in wanted.items()}
    for name, want in wanted.items():
        if isinstance(want, numbers.Integral) and not isinstance(want, bool):
            choice.keep_count(name, int(want), exact=way == "keep")
        else:
            choice.keep_these(name, want)
    return choice.gone


def check(coupling, *, keep=None, sparsity=None, criterion="l1", layers=None, scope="layer"):
    """(the way, its value, the layers named or None) that options of :func:`choose` ask for; its errors, but those
    that hang on what would be left."""
    way, value, layers = asked(layers, scope, keep=keep, sparsity=sparsity)
    if criterion not in CRITERIA:
        raise OptionsError(f"criterion must be one of {', '.join(CRITERIA)}, not {criterion!r}")
    for name in layers or ():
        check_layer(name, coupling.makers, coupling.graph, "nodes that can be removed")
        if way == "sparsity" and not removable(coupling, coupling.makers[name]).any():
            raise OptionsError(f"none of its nodes can be removed: {coupling.pinned[int(coupling.makers[name][0])]}",
                               layer=name)
    return way, value, layers


def removable(coupling, classes):
    """Bool array: which of these classes may go."""
    return np.array([c not in coupling.pinned for c in classes.tolist()], bool)


def _left(classes, share):
    return len(classes) - int(round(share * len(classes), 6))


class _Choice:
    """Decisions so far: ``gone`` and ``stays``, bool arrays (classes,); no class is in both."""

    def __init__(self, coupling, criterion):
        self.coupling, self.criterion = coupling, criterion
        self.gone, self.stays = np.zeros(coupling.size, bool), np.zeros(coupling.size, bool)
        self.decided = {}       # layer -> how many stay, as asked for
        self._scores = None

    @property
    def scores(self):
        if self._scores is None:
            self._scores = scores(self.coupling, self.criterion)
        return self._scores

    def keep_these(self, name, indices):
        """Exactly these nodes stay."""
        classes = self.coupling.makers[name]
        indices = _checked_indices(name, indices, len(classes))
        stays, gone = np.zeros_like(self.stays), np.zeros_like(self.gone)
        stays[classes[indices]] = True
        gone[np.delete(classes, indices)] = True
        if (stays & gone).any():
            together = np.flatnonzero(classes == np.flatnonzero(stays & gone)[0])
            raise OptionsError(f"nodes {', '.join(map(str, together))} go together, or stay", layer=name)
        clash = (stays & self.gone) | (gone & self.stays)
        if clash.any():
            raise self._clash(name, int(np.flatnonzero(clash)[0]))
        self._settle(name, stays, gone)

    def keep_count(self, name, n, exact):
        """``n`` nodes stay, those of most importance. Unless ``exact``, coupled nodes may make it a few more."""
        classes = self.coupling.makers[name]
        if not 1 <= n <= len(classes):
            raise OptionsError(f"cannot keep {n} of {len(classes)} nodes", layer=name)
        open_ = removable(self.coupling, classes) & ~self.stays[classes] & ~self.gone[classes]
        staying = int(np.count_nonzero(~open_ & ~self.gone[classes]))
        drop = len(classes) - int(np.count_nonzero(self.gone[classes])) - n
        if drop < 0 or drop > np.count_nonzero(open_):
            if not exact:
                drop = min(max(drop, 0), int(np.count_nonzero(open_)))
            elif self._coupled_with(name):
                raise self._clash(name)
            elif drop > 0:
                held = classes[~removable(self.coupling, classes)].tolist()
                raise OptionsError(f"cannot keep {n} of {len(classes)} nodes: {staying} cannot be removed, "
                                   f"{self.coupling.pinned[held[0]]}", layer=name)
        gone = np.zeros_like(self.gone)
        if drop:
            gone[self._weakest_of(classes, open_, drop)] = True
        if exact and np.count_nonzero(gone[classes]) != drop:
            sizes = sorted(set(np.unique(classes[open_], return_counts=True)[1].tolist()))
            raise OptionsError(f"cannot keep exactly {n} of {len(classes)} nodes: they go in groups of "
                               f"{', '.join(map(str, sizes))}", layer=name)
        stays = np.zeros_like(self.stays)
        stays[classes] = True
        self._settle(name, stays & ~gone & ~self.gone, gone)

    def weakest(self, names, share):
        """The weakest classes of several layers together, until ``share`` of all their nodes has gone; each layer
        keeps at least one node. Returns :attr:`gone`."""
        every = np.concatenate([self.coupling.makers[name] for name in names])
        sizes = np.bincount(every, minlength=self.coupling.size)
        able = np.unique(every)
        able = able[removable(self.coupling, able)]
        left, quota = {name: len(classes) for name, classes in self.coupling.makers.items()}, int(round(
            share * len(every), 6))
        members = defaultdict(dict)
        for name, classes in self.coupling.makers.items():
            for c, n in zip(*np.unique(classes, return_counts=True), strict=True):
                members[int(c)][name] = int(n)
        for c in able[np.argsort(self.scores[able], kind="stable")].tolist():
            if sizes[c] <= quota and all(left[name] > n for name, n in members[c].items()):
                self.gone[c] = True
                quota -= sizes[c]
                for name, n in members[c].items():
                    left[name] -= n
        return self.gone

    def _weakest_of(self, classes, open_, drop):
        """Classes of least importance among the open ones, that hold up to ``drop`` nodes of a layer; equally many
        from each of its blocks (see :func:`_blocks`) where that comes out even."""
        blocks = _blocks(self.coupling, classes)
        names, place = np.unique(blocks, return_inverse=True)
        if drop % len(names) or len(set(np.bincount(place).tolist())) > 1:
            place[:] = 0
        taken = []
        for b in np.unique(place):
            quota = drop // len(np.unique(place))
            able, sizes = np.unique(classes[open_ & (place == b)], return_counts=True)
            for i in np.argsort(self.scores[able], kind="stable"):
                if sizes[i] <= quota and able[i] not in taken:
                    taken.append(able[i])
                    quota -= sizes[i]
        return np.array(taken, int)

    def _settle(self, name, stays, gone):
        self.stays |= stays
        self.gone |= gone
        self.decided[name] = int(np.count_nonzero(~gone[self.coupling.makers[name]]))

    def _coupled_with(self, name):
        classes = self.coupling.makers[name]
        return [other for other in self.decided if np.isin(classes, self.coupling.makers[other]).any()]

    def _clash(self, name, c=None):
        others = self._coupled_with(name)
        which = "" if c is None else f": node {np.flatnonzero(self.coupling.makers[name] == c)[0]} would go and stay"
        return OptionsError(f"its nodes go together with those of {', '.join(map(repr, others))}, "
                            f"but other ones are asked to stay{which}", layer=name)


def _checked_indices(name, indices, n):
    try:
        found = np.asarray(list(indices))
    except TypeError:
        raise OptionsError(f"keep takes a number of nodes or a list of their indices, not {indices!r}",
                           layer=name) from None
    if not found.size:
        raise OptionsError(f"all of its {n} nodes would be removed", layer=name)
    if found.ndim != 1 or found.dtype.kind not in "iu":
        raise OptionsError(f"keep takes a number of nodes or a list of their indices, not {indices!r}", layer=name)
    if found.min() < 0 or found.max() >= n or len(np.unique(found)) != len(found):
        raise OptionsError(f"indices to keep must be different numbers from 0 to {n - 1}", layer=name)
    return np.sort(found)


def _blocks(coupling, classes):
    """For each node of a layer a number that says which groups of grouped convolutions it belongs to."""
    key = np.zeros(len(classes), int)
    for node, ends in coupling.grouped.items():
        for end in ends:
            block = np.full(coupling.size, -1)
            block[end] = np.arange(len(end)) // (len(end) // node.layer.group)
            key = key * (node.layer.group + 1) + block[classes] + 1
    return key


def scores(coupling, criterion):
    """Importance of each class, float64 (classes,); infinite for those that no criterion sees."""
    total, members = np.zeros(coupling.size), np.zeros(coupling.size)
    found = _scale_scores(coupling) if criterion == "bn_scale" else _weight_scores(coupling, criterion)
    for name, classes, values in found:
        if np.isnan(values).any():
            raise WeightsError("there is a NaN in the weights", layer=name)
        mean = values.mean()
        np.add.at(total, classes, values / mean if mean > 0 else values)
        np.add.at(members, classes, 1)
    if criterion == "bn_scale":
        for name, classes in coupling.makers.items():
            blind = (members[classes] == 0) & removable(coupling, classes)
            if blind.any():
                raise OptionsError("criterion 'bn_scale' needs a Scale layer with a factor for each node behind it",
                                   layer=name)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(members > 0, total / members, np.inf)


def _weight_scores(coupling, criterion):
    for node in coupling.graph.nodes:
        if node.name not in coupling.makers or not node.params:
            continue
        classes, w = coupling.makers[node.name], np.abs(node.params[0].array.astype(np.float64))
        if isinstance(node.layer, Deconvolution):       # (C, M/group, ...): outputs are the second axis of each group
            w = w.reshape(node.layer.group, len(w) // node.layer.group, *w.shape[1:]).swapaxes(1, 2)
        elif getattr(node.layer, "transpose", False):
            w = w.T
        w = w.reshape(len(classes), -1)
        yield node.name, classes, w.sum(1) if criterion == "l1" else np.sqrt((w * w).sum(1))


def _scale_scores(coupling):
    for classes, param in coupling.scales:
        yield None, classes, np.abs(param.array.astype(np.float64)).reshape(len(classes))
