""":func:`compare`: prune, prepare, check, time, for every number of threads and every batch."""

import itertools

import numpy as np

from .. import isa, peers
from ..errors import DataError, OptionsError
from ..net import Net
from ..options import Options
from ..report.results import Left, Results
from .about import about
from .measure import Clock, measure
from .methods import DEFAULT, METHODS, SPARSITIES, Way, reshaped, ways

PREPARING = 0.5         # of the time of a comparison, about, goes into pruning, tuning, packing and checking


def compare(net, methods=DEFAULT, sparsities=SPARSITIES, engines=(), *, threads=(1,), batches=(1,), data=None,
            pruned=None, width="native", seconds=10.0, options=None, seed=0, command=None, progress=None):
    """Measure ways of running ``net`` against each other.

    Parameters
    ----------
    net : Net
        With its weights; stays as it is.
    methods : iterable of str
        Among :data:`scalpel_rt.comparing.methods.METHODS`. "dense" is always measured: it is what speed-ups are over.
    sparsities : iterable of float
        Shares of zeros, at each of which the net is pruned (without retraining) for each method that prunes.
    engines : iterable of str
        Names of :mod:`scalpel_rt.peers`; those that are not installed are named as skipped. Each runs the dense net,
        and DeepSparse the traditionally pruned ones too.
    threads, batches : iterables of int
        Each combination is measured.
    data : Dataset, optional
        Labelled samples of the shape of the net's input, for the accuracy of each net; and to run on.
    pruned : {name: Net}, optional
        More nets to run, which were pruned (and retrained) before.
    width : 2, 4, 8, 16 or "native"
        Weights in a group.
    seconds : float
        For timing each combination, about; preparing comes on top.
    options : Options, optional
        For our plans; default those of the net, with kernels chosen by measuring.
    seed : int
        Of the input.
    command : str, optional
        To note in the Results: how to make them again.
    progress : callable, optional
        Called with {"doing": text, "share": 0 to 1, "left": seconds or None}.

    Returns
    -------
    Results
        Ways with a wrong output are in ``refused``, and were not timed; those that could not run, in ``skipped``.

    Raises OptionsError for names and numbers that there are not, what pruning raises, ShapeError where an input cannot
    take a batch.
    """
    methods = ["dense", *(m for m in dict.fromkeys(methods) if m != "dense")]
    threads, batches = _counts("threads", threads), _counts("batches", batches)
    if max(threads) > isa.usable_cores():
        raise OptionsError(f"{max(threads)} threads are asked for, but this process may use {isa.usable_cores()} cores")
    options = options or Options(isa=net.options.isa, numerics=net.options.numerics, tune=True)
    skipped = []
    methods = [m for m in methods if _usable(METHODS.get(m, (None, None))[1], m, skipped)]
    engines = [e for e in engines if _usable(e, e, skipped)]
    clock = Clock(progress, [PREPARING * seconds, *parts(threads, batches, seconds)])
    everything = ways(net, methods, list(sparsities), width, clock.tell)
    everything += [Way(name, None, other, "auto") for name, other in (pruned or {}).items()]
    everything += _engine_ways(net, engines, everything, sparsities, width)
    accuracies = {} if data is None else _accuracies(everything, data, clock)
    entries, refused, unable = contest(net, everything, threads, batches, data=data, seed=seed, seconds=seconds,
                                       options=options, accuracies=accuracies, clock=clock)
    settings = {"methods": list(methods), "sparsities": list(sparsities), "engines": list(engines),
                "threads": threads, "batches": batches, "width": width, "seconds": seconds, "isa": options.isa,
                "numerics": options.numerics, "tune": options.tune, "data": None if data is None else data.name}
    return Results(about(command or "scalpel_rt.compare", {"input": seed}, settings, isa.active(options.isa)), entries,
                   skipped + unable, refused, [])


def contest(net, everything, threads, batches, *, seed, seconds, options, clock, data=None, accuracies=None):
    """Time Ways of running ``net`` with each number of threads and each batch; (entries, refused, skipped).

    Parameters as for :func:`compare`; ``clock`` has the :func:`parts` of this still before it.
    """
    entries, refused, skipped = [], [], []
    for count, batch in itertools.product(threads, batches):
        clock.next()
        inputs = _inputs(net.graph, batch, data, seed)
        shapes = {name: array.shape for name, array in inputs.items()}
        timing = False

        def tell(text, share):
            nonlocal timing
            if text.startswith("timing") and not timing:
                timing = True
                clock.next()
            clock.tell(f"{net.name or 'net'}: {text}, {count} thread{'s' * (count > 1)}, batch {batch}",   # noqa: B023
                       share)

        found, wrong, unable = measure(reshaped(everything, shapes), net.graph, list(inputs.values()),
                                       threads=count, options=options, seconds=seconds, accuracies=accuracies or {},
                                       tell=tell)
        entries, refused, skipped = entries + found, refused + wrong, skipped + unable
        if not timing:
            clock.next()
    return entries, refused, skipped


def parts(threads, batches, seconds):
    """For a Clock: the seconds that the parts of a :func:`contest` take, about."""
    return [PREPARING * seconds, seconds] * (len(threads) * len(batches))


def _counts(what, numbers):
    numbers = [int(n) for n in numbers]
    if not numbers or min(numbers) < 1:
        raise OptionsError(f"{what} must be whole numbers of at least 1, not {numbers}")
    return numbers


def _usable(runner, title, skipped):
    """Whether a peer is there, where ``runner`` is one; else it is noted among ``skipped``."""
    why = peers.find(runner).missing() if runner in peers.NAMES else None
    if why is not None:
        skipped.append(Left(title, why))
    return why is None


def _engine_ways(net, engines, found, sparsities, width):
    """Engines on the dense net, and those that skip zeros on the traditionally pruned ones too."""
    made = []
    for engine in engines:
        peers.find(engine)
        made.append(Way(engine, None, net, engine))
        if engine in peers.SPARSE:
            single = {way.sparsity: way.net for way in found if METHODS.get(way.method, (None,))[0] == "single"}
            for s in sparsities:
                if s not in single:
                    single[s] = next(w.net for w in ways(net, ["csr"], [s], width))
                made.append(Way(engine, s, single[s], engine))
    return made


def _inputs(graph, batch, data, seed):
    """{input: array}: the first samples of ``data``, or noise."""
    rng = np.random.default_rng(seed)
    inputs = {}
    for blob in graph.inputs:
        if blob.shape is None:
            raise OptionsError(f"the shape of input {blob.name!r} is not known; reshape the net first")
        shape = (batch, *blob.shape[1:])
        inputs[blob.name] = rng.standard_normal(shape, np.float32)
    if data is not None:
        name, array = next(iter(inputs.items()))
        samples, _ = data.take(np.arange(batch) % len(data))
        inputs[name] = _fitting(samples, array.shape, data.name)
    return inputs


def _fitting(samples, shape, name):
    if np.size(samples) != np.prod(shape):
        raise DataError(f"{name} has samples of shape {samples.shape[1:]}, the net takes {shape[1:]}")
    return np.ascontiguousarray(samples.reshape(shape), np.float32)


def _accuracies(everything, data, clock):
    """{(method, sparsity): percent of ``data`` whose greatest output is its label}."""
    found, by_net = {}, {}
    for i, way in enumerate(everything):
        clock.tell(f"accuracy of {way.title}", 0.5 + 0.5 * i / len(everything))
        if id(way.net.graph) not in by_net:
            by_net[id(way.net.graph)] = accuracy(way.net, data)
        found[way.method, way.sparsity] = by_net[id(way.net.graph)]
    return found


def accuracy(net, data, batch=128):
    """Percent of the samples of a Dataset whose greatest output is their label."""
    own = Net(net.graph, net.options)
    right = 0
    for start in range(0, len(data), batch):
        samples, labels = data.take(slice(start, start + batch))
        shape = (len(samples), *net.graph.inputs[0].shape[1:])
        [output] = own.forward({net.inputs[0]: _fitting(samples, shape, data.name)}).values()
        right += int(np.count_nonzero(output.reshape(len(labels), -1).argmax(1) == np.ravel(labels)))
    return 100 * right / len(data)
