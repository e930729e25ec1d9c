"""What there is to say about a file before it is run."""

from collections import Counter
from dataclasses import dataclass, field

from ..caffe import format_of, is_compact, parse_prototxt, read_compact, read_prototxt, read_weights, upgrade_net
from ..errors import FormatError, ScalpelError, UnsupportedError, located
from ..files import read_whole
from ..graph import State, build
from ..graph.filter import filter_net
from ..graph.weights import copy_weights
from ..layers import find, types
from . import trial
from .fields import fork_fields


@dataclass
class Report:
    """Of one net, or of one file of weights.

    Attributes
    ----------
    file, weights : str or None
    kind : "net", "weights", "solver" or "unreadable"
    format : "V0", "V1", "V2", "HDF5" or None
        The age of the prototxt, else of the weights.
    fork_fields : list of str
        Fields in it that BVLC Caffe does not know.
    fork_types : dict
        {layer type that BVLC does not know, but this library: whose it is}.
    unknown : dict
        {layer type that this library does not know: names of the layers}.
    layers : int
        In the phase; of a file of weights those with blobs.
    phase : str
        The first of TEST and TRAIN in which the net can be set up, else TEST.
    inputs, outputs : dict
        {name: shape}; shapes that the net leaves open are None.
    guessed : dict
        {input: shape} that were made up to try the net, where it tells none.
    runs : bool or None
        Whether it can be set up (and, with ``run``, ran forward); None for what is no net.
    reason : str or None
        Why not.
    notes : list of str
    seconds : float or None
        How long the forward took.
    """

    file: str
    weights: str = None
    kind: str = "net"
    format: str = None
    fork_fields: list = field(default_factory=list)
    fork_types: dict = field(default_factory=dict)
    unknown: dict = field(default_factory=dict)
    layers: int = 0
    phase: str = "TEST"
    inputs: dict = field(default_factory=dict)
    outputs: dict = field(default_factory=dict)
    guessed: dict = field(default_factory=dict)
    runs: bool = None
    reason: str = None
    notes: list = field(default_factory=list)
    seconds: float = None


def check(prototxt, weights=None, phase=None, level=0, stages=(), allow_python=False, run=False):
    """The :class:`Report` of a net.

    Parameters
    ----------
    prototxt, weights : path
        Either may be None.
    phase : "TEST" or "TRAIN", optional
        Default: TEST, and where the net cannot be set up so, TRAIN.
    run : bool
        Run one forward, on one item where the net allows it, with random weights for those that are not there.

    Never raises for what is wrong in the files (or, with ``allow_python``, in the code that they name); OSError where
    one cannot be read.
    """
    report = Report(None if prototxt is None else str(prototxt), None if weights is None else str(weights))
    try:
        held = None if weights is None else read_weights(weights)
        if prototxt is None:
            _describe_weights(report, held)
            return report
        if is_compact(prototxt):
            message, held = read_compact(prototxt)
        else:
            message = _read(report, prototxt)
    except ScalpelError as error:
        report.kind, report.runs, report.reason = "unreadable", False, str(error)
        return report
    if message is None:
        return report
    report.format = format_of(message)
    report.fork_fields = fork_fields(message)
    try:
        with located(file=report.file):
            net = upgrade_net(message)
        graph, report.phase = _set_up(report, net, phase, level, tuple(stages), allow_python)
        report.layers = sum(not node.implicit for node in graph.nodes)
        report.notes += [f"layer {name!r}: {note}" for name, note in graph.notes.items()]
        report.inputs = {blob.name: blob.shape for blob in graph.inputs}
        report.outputs = {blob.name: blob.shape for blob in graph.outputs}
        graph, report.guessed = trial.guess_shapes(graph, held)
        if held is not None:
            _copy(report, graph, held)
        if run:
            report.seconds, wild = trial.run(trial.one_item(graph))
            report.notes += [f"output {name!r} is not finite" for name in wild if held is not None]
        report.runs = True
    except (Exception if allow_python else ScalpelError) as error:  # noqa: B030 (a user's Python layer may raise anything)
        if isinstance(error, ScalpelError):
            error.locate(file=report.file)
        report.runs, report.reason = False, str(error) or type(error).__name__
        if not report.layers:
            report.layers = len(message.layer) or len(message.layers)
    return report


def _read(report, path):
    """The NetParameter of a file; None where it is a solver's."""
    try:
        return read_prototxt(path)
    except FormatError as error:
        try:
            solver = parse_prototxt(read_whole(path), message="SolverParameter")
        except FormatError:
            raise error from None
        report.kind = "solver"
        net = solver.net or solver.train_net or next(iter(solver.test_net), "")
        report.notes.append("describes a training" + (f" of the net {net!r}" if net else ""))
        return None


def _set_up(report, net, phase, level, stages, allow_python):
    """(graph, phase) of the first phase in which the net can be set up; raises what is wrong in the first one."""
    first = None
    for one in ("TEST", "TRAIN") if phase is None else (phase,):
        try:
            _name_types(report, filter_net(net, State(one, level, stages))[0])
            return build(net, one, level, stages, trusted=allow_python), one
        except ScalpelError as error:
            first = first or (error, report.fork_types, report.unknown)
    error, report.fork_types, report.unknown = first
    if report.unknown:
        raise UnsupportedError(f"unknown layer type{'s' * (len(report.unknown) > 1)} {', '.join(report.unknown)}")
    raise error


def _name_types(report, net):
    known = set(types())
    report.unknown, report.fork_types = {}, {}
    for layer in net.layer:
        if layer.type not in known:
            report.unknown.setdefault(layer.type, []).append(layer.name)
        elif find(layer.type).origin != "BVLC":
            report.fork_types[layer.type] = find(layer.type).origin


def _copy(report, graph, weights):
    ignored = copy_weights(graph, weights)
    lacking = [node.name for node in graph.nodes if node.params and not any(param.loaded for param in node.params)]
    report.notes.append(f"weights: {weights.format}, {sum(bool(layer.blobs) for layer in weights.layers)} layers")
    if ignored:
        report.notes.append(f"the net has no layer {_listed(ignored)}, which the weights hold")
    if lacking:
        report.notes.append(f"the weights hold nothing for layer {_listed(lacking)}")


def _describe_weights(report, weights):
    report.file, report.kind, report.format = report.weights, "weights", weights.format
    named = Counter(layer.type or "?" for layer in weights.layers if layer.blobs)
    report.layers = sum(named.values())
    report.notes.append("holds " + (", ".join(f"{n} {kind}" for kind, n in named.items()) or "no weights"))


def _listed(names, most=5):
    shown = ", ".join(map(repr, names[:most]))
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")
