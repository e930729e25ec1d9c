"""``caffe.Net``: scalpel_rt behind pycaffe's face."""

import os
import weakref
from collections import OrderedDict

import numpy as np

from ..api import read_graph
from ..caffe import read_weights, write_caffemodel, write_hdf5
from ..caffe.hdf5 import read_hdf5
from ..errors import DataError, GraphError, ShapeError, WeightsError
from ..graph.save import layers_to_save
from ..graph.weights import copy_weights
from ..net.plans import Plans
from ..net.watch import Watch
from .blob import NetBlob, ParamBlob
from .errors import PycaffeError, as_runtime_error
from .parts import Part
from .structure import caffe_layers
from .training import no_training

TRAIN, TEST = 0, 1
_PHASES = ("TRAIN", "TEST")
_seed = 0


def set_random_seed(seed):
    """The seed of the fillers of nets made from now on (parameters for which no weights are loaded)."""
    global _seed
    _seed = int(seed)


class Net:
    """A net, as pycaffe has it::

        Net(network_file, phase, level=0, stages=None, weights=None)
        Net(network_file, weights, phase)

    ``phase`` is ``caffe.TEST`` or ``caffe.TRAIN``. A file that cannot be opened is a RuntimeError, as in pycaffe;
    everything else that Caffe would abort the process for is a :class:`~scalpel_rt.errors.ScalpelError`, most of
    which are ValueErrors. The net's Python layers run: only open nets that you trust.

    Layers that read data bases are inputs here: their blobs have to be filled (and reshaped, where the net does not
    tell their shape) before ``forward``.

    ``options`` (:class:`scalpel_rt.Options`: threads and so on) may be set, and is all that pycaffe has not.
    """

    def __init__(self, network_file, phase=None, level=None, stages=None, weights=None):
        if isinstance(phase, str | bytes | os.PathLike):
            phase, level, weights = level, None, phase
        if isinstance(phase, bool) or phase not in (TRAIN, TEST):
            raise TypeError("Net(network_file, phase, level=0, stages=None, weights=None) or Net(network_file, weights,"
                            f" phase), where phase is caffe.TEST or caffe.TRAIN, not {phase!r}")
        with as_runtime_error():
            graph, held = read_graph(network_file, weights, _PHASES[phase], level or 0, tuple(stages or ()),
                                     allow_python=True, seed=_seed)
        self._plans = Plans(graph, None, held, None, _seed)
        self._whole = Part(self._plans)
        self._parts = {}                            # (first, last) of the graph's nodes -> Part
        self._watch = Watch()                       # of parameters in the hands of the user
        self._sharers = weakref.WeakSet([self])     # nets that share parameters with this one
        self._places, copies = caffe_layers(graph)
        shapes = {name: blob.shape for name, blob in graph.final_blobs().items()}
        blobs = {name: NetBlob(name, shape) for name, shape in shapes.items()}
        self._blobs_dict = OrderedDict((name, blobs[copies.get(name, name)])
                                       for place in self._places for name in place.tops)
        self._param_blobs = {}      # (place in graph.nodes, index) -> ParamBlob
        self._fed = None        # what set_input_arrays was given, and how far it was read
        self._before, self._after = [], []
        for node in graph.nodes:
            for blob, param in zip(_instance(node).blobs if _instance(node) else (), node.params, strict=False):
                blob.data = param.writable()   # what a Python layer learns is what the net saves

    # -- what the net is made of -------------------------------------------------------------------------------

    name = property(lambda self: self.graph.name)
    graph = property(lambda self: self._plans.graph)
    blobs = property(lambda self: self._blobs_dict, doc="OrderedDict: name -> :class:`.blob.NetBlob`.")
    inputs = property(lambda self: [blob.name for blob in self.graph.inputs])
    outputs = property(lambda self: [blob.name for blob in self.graph.outputs])
    _layer_names = property(lambda self: [place.name for place in self._places])
    _blob_names = property(lambda self: list(self.blobs))
    _inputs = property(lambda self: [self._blob_names.index(name) for name in self.inputs])
    _outputs = property(lambda self: [self._blob_names.index(name) for name in self.outputs])

    @property
    def params(self):
        """OrderedDict: name of a layer that has any -> list of :class:`.blob.ParamBlob`."""
        return OrderedDict((node.name, self.param_blobs(i)) for i, node in enumerate(self.graph.nodes) if node.params)

    @property
    def layers(self):
        """In Caffe's order, Splits included: each has ``type`` and ``blobs``; a Python layer is the user's object."""
        return [LayerFace.of(self, place) for place in self._places]

    @property
    def layer_dict(self):
        """OrderedDict: name -> layer."""
        return OrderedDict(zip(self._layer_names, self.layers, strict=True))

    @property
    def top_names(self):
        """OrderedDict: name of a layer -> names of its tops."""
        return OrderedDict((place.name, list(place.tops)) for place in self._places)

    @property
    def bottom_names(self):
        """OrderedDict: name of a layer -> names of its bottoms."""
        return OrderedDict((place.name, list(place.bottoms)) for place in self._places)

    @property
    def blob_loss_weights(self):
        """OrderedDict: name of a blob -> its loss weight."""
        weights = dict.fromkeys(self.blobs, 0.0)
        for node in self.graph.nodes:
            said = node.layer.message.loss_weight
            for j, blob in enumerate(node.tops):
                weights[blob.name] = said[j] if j < len(said) else float(node.layer.is_loss and j == 0)
        return OrderedDict(weights)

    def _top_ids(self, i):
        return [self._blob_names.index(name) for name in self._places[i].tops]

    def _bottom_ids(self, i):
        return [self._blob_names.index(name) for name in self._places[i].bottoms]

    # -- running -----------------------------------------------------------------------------------------------

    def forward(self, blobs=None, start=None, end=None, **kwargs):
        """Run the net, or the layers from ``start`` to ``end`` (names, both run).

        blobs : list of str, optional
            Blobs to return besides the outputs, or besides the tops of ``end``.
        kwargs
            {input: array}: for every input or for none; the first dimensions must be those of the inputs.

        Returns {name: array}; the arrays are the blobs' own memory, which the next forward overwrites.
        """
        blobs = list(blobs or [])
        first = 0 if start is None else self._index(start)
        last = len(self._places) - 1 if end is None else self._index(end)
        names = list(dict.fromkeys((self.outputs if end is None else list(self._places[last].tops)) + blobs))
        for name in names:
            self.blobs[name]    # a KeyError before anything runs
        if kwargs:
            self._feed(kwargs)
        self._forward(first, last, names)
        return {name: self.blobs[name].data for name in names}

    def forward_all(self, blobs=None, **kwargs):
        """Run the net on all rows of the inputs, in batches of the size of its first blob, the last filled with zeros.

        ``kwargs`` are {input: array or list of arrays}, of equal lengths. Returns {name: array} for the outputs and
        ``blobs``, one row for each row given.
        """
        if not kwargs:
            raise DataError(f"forward_all needs arrays for the inputs: {', '.join(self.inputs)}")
        rows = {name: len(array) for name, array in kwargs.items()}
        if len(set(rows.values())) > 1:
            raise ShapeError("the inputs have different numbers of rows: "
                             + ", ".join(f"{name} {n}" for name, n in rows.items()))
        names = list(dict.fromkeys(self.outputs + list(blobs or [])))
        found = {name: [] for name in names}
        for batch in self._batch(kwargs):
            out = self.forward(blobs=blobs, **batch)
            for name in names:
                found[name].extend(np.array(out[name]))
        n = next(iter(rows.values()))
        return {name: np.asarray(values)[:n] for name, values in found.items()}

    def reshape(self):
        """Give all blobs the shapes that follow from those of the inputs."""
        self._whole.fit(self.blobs)
        for name, blob in self.graph.final_blobs().items():
            mine = self.blobs[name]
            if blob.shape is not None and (not mine.known or mine.shape != blob.shape):
                mine.leave(None, blob.shape)

    def set_input_arrays(self, data, labels):
        """Let a net whose first layer is MemoryData read its batches from ``data`` (N, C, H, W) and ``labels`` (N).

        Each forward takes the next batch, and after the last the first; N must be a multiple of the batch size.
        """
        node = self.graph.nodes[0]
        if node.type != "MemoryData":
            raise PycaffeError("set_input_arrays is for a net whose first layer is MemoryData; this one's is "
                                     f"{node.name!r} of type {node.type}")
        data = np.asarray(data, np.float32)
        labels = np.asarray(labels, np.float32).reshape(-1)
        batch, *image = node.layer.shape
        if data.ndim != 4 or list(data.shape[1:]) != image or len(data) % batch or not len(data):
            raise PycaffeError(f"data must have shape (N, {', '.join(map(str, image))}) with N a multiple of the "
                                     f"batch size {batch}, not {data.shape}")
        if len(labels) != len(data):
            raise PycaffeError(f"{len(data)} data need as many labels, not {len(labels)}")
        self._fed = [data, labels, 0]

    def before_forward(self, function):
        """Call ``function(i)`` before layer number i of a forward; layers are then run one at a time."""
        self._before.append(function)

    def after_forward(self, function):
        """Call ``function(i)`` after layer number i of a forward; layers are then run one at a time."""
        self._after.append(function)

    # -- parameters --------------------------------------------------------------------------------------------

    def copy_from(self, weights):
        """Load a caffemodel, binary or HDF5: layers of the same name get its parameters."""
        with as_runtime_error():
            self._load(read_weights(weights))

    def load_hdf5(self, weights):
        """Load a caffemodel in HDF5."""
        with as_runtime_error():
            self._load(read_hdf5(weights))

    def save(self, path):
        """Write the parameters as a binary caffemodel."""
        write_caffemodel(path, self.graph.name, layers_to_save(self._with_params()))

    def save_hdf5(self, path):
        """Write the parameters as HDF5."""
        write_hdf5(path, layers_to_save(self._with_params()))

    def clear_param_diffs(self):
        """Zero the ``diff`` of all parameters."""
        for blobs in self.params.values():
            for blob in blobs:
                blob.diff[...] = 0

    def share_with(self, other):
        """Use the parameters of ``other`` in all layers of the same names, from now on: what is written to them there
        or here counts for both."""
        mine = {}
        for node in self._with_params().nodes:
            mine.setdefault(node.name, node)
        pairs = [(mine[node.name], node) for node in other._with_params().nodes if node.name in mine]
        for node, source in pairs:
            have, want = ([param.shape for param in n.params] for n in (node, source))
            if have != want:
                raise WeightsError(f"cannot share parameters of shapes {want}: here they have {have}", layer=node.name)
        group = weakref.WeakSet([*self._sharers, *other._sharers])
        for net in group:
            net._settle()
            net._sharers = group
        for node, source in pairs:
            node.params = source.params
        self._drop_plans()
        self._parts.clear()

    # -- what training would need ------------------------------------------------------------------------------

    backward = no_training("Net.backward")
    forward_backward_all = no_training("Net.forward_backward_all")
    before_backward = no_training("Net.before_backward")
    after_backward = no_training("Net.after_backward")

    # -- inside ------------------------------------------------------------------------------------------------

    @property
    def options(self):
        return self._plans.options

    @options.setter
    def options(self, options):
        for part in (self._whole, *self._parts.values()):
            part.plans.options = options

    def lend(self, param):
        """The array of a Param, for the user to write to; all nets that share it will notice."""
        for net in self._sharers:
            net._settle()
        owner = param if param.owner is None else param.owner
        array = owner.writable()
        view = np.asarray(memoryview(array))
        for net in self._sharers:
            net._watch.lend(owner, array, view)
        return view.reshape(param.shape)

    def param_blobs(self, node):
        """The parameters of node number ``node`` of the graph, a list of :class:`.blob.ParamBlob`."""
        return [self._param_blobs.setdefault((node, i), ParamBlob(self, node, i))
                for i in range(len(self.graph.nodes[node].params))]

    def _forward(self, first, last, wanted=()):
        """Run Caffe's layers number ``first`` to ``last``."""
        self._feed_memory_data(first)
        self._check_fed(first, last)
        if self._before or self._after:
            for i in range(first, last + 1):
                for call in self._before:
                    call(i)
                self._run(i, i, wanted)
                for call in self._after:
                    call(i)
        else:
            self._run(first, last, wanted)

    def _run(self, first, last, wanted):
        nodes = [place.node for place in self._places[first:last + 1] if place.node is not None]
        if not nodes:
            return
        span = nodes[0], nodes[-1]
        if len(nodes) == len(self.graph.nodes):
            part = self._whole
        else:
            self._with_params()
            if span not in self._parts:
                self._parts[span] = Part.of(self._plans, *span)
            part = self._parts[span]
        if self._watch.changed():
            self._drop_plans()
        part.run(self.blobs, wanted, self._watch.lent)
        self._watch.active = True

    def _index(self, layer):
        try:
            return self._layer_names.index(layer)
        except ValueError:
            raise GraphError(f"the net has no layer {layer!r}") from None

    def _batch(self, arrays):
        """Batches of the size of the net's first blob, {input: array}, the last filled with zeros."""
        size = next(iter(self.blobs.values())).shape[0]
        n = len(next(iter(arrays.values())))
        for start in range(0, n, size):
            batch = {name: np.asarray(array[start:start + size]) for name, array in arrays.items()}
            short = size - min(size, n - start)
            yield {name: np.concatenate([array, np.zeros((short, *array.shape[1:]), array.dtype)]) if short else array
                   for name, array in batch.items()}

    def _feed(self, arrays):
        if set(arrays) != set(self.inputs):
            raise GraphError(f"forward needs an array for each input: {', '.join(self.inputs) or 'there is none'}; "
                             f"given: {', '.join(arrays)}")
        arrays = {name: np.asarray(array) for name, array in arrays.items()}
        for name, array in arrays.items():
            blob = self.blobs[name]
            if blob.known and array.shape[:1] != blob.shape[:1]:
                raise ShapeError(f"input {name!r} is not of the net's batch size: it has shape {array.shape}, the blob "
                                 f"{blob.shape}; reshape the blob first")
        for name, array in arrays.items():
            blob = self.blobs[name]
            if not blob.known:
                blob.reshape(*array.shape)
            try:
                blob.data[...] = array
            except ValueError:
                raise ShapeError(f"input {name!r} of shape {array.shape} does not fit the blob's shape {blob.shape}; "
                                 "reshape the blob first") from None

    def _feed_memory_data(self, first):
        if self._fed is None or first > 0:
            return
        data, labels, at = self._fed
        node = self.graph.nodes[0]
        batch = node.layer.shape[0]
        for blob, rows in zip(node.tops, (data, labels), strict=True):
            self.blobs[blob.name].reshape(*rows[:batch].shape)
            self.blobs[blob.name].data[...] = rows[at:at + batch]
        self._fed[2] = (at + batch) % len(data)

    def _check_fed(self, first, last):
        """A layer that would read a data base gives zeros that nobody meant, when nobody fills its tops."""
        for place in self._places[first:last + 1]:
            node = None if place.node is None else self.graph.nodes[place.node]
            if node is None or not node.layer.is_input or node.type == "Input":
                continue
            if not any(self.blobs[name].touched for name in place.tops):
                raise DataError(f"{node.layer.note or f'{node.type} waits for set_input_arrays'}: write to "
                                f"net.blobs[{place.tops[0]!r}].data before forward", layer=node.name)

    def _with_params(self):
        """The graph, whose parameters are there."""
        if not self.graph.ready:
            self._whole.fit(self.blobs)
        if not self.graph.ready:
            raise ShapeError("the net has no parameters yet: the shape of an input is unknown; reshape its blob first")
        return self.graph

    def _load(self, weights):
        if not self.graph.ready:
            self._plans.weights = weights
            return
        for net in self._sharers:
            net._settle()
        lent = {param: param.array for node in self.graph.nodes for param in node.params
                if self._watch.held(param) or _instance(node)}
        try:
            copy_weights(self.graph, weights)
        finally:
            for param, array in lent.items():   # who holds an array sees the new values in it
                if param.array is not array:
                    array[...] = param.array
                    param.array = array
            for net in self._sharers:
                net._drop_plans()

    def _settle(self):
        """Fetch everything that a run with the present weights would give."""
        for blob in self.blobs.values():
            blob.settle()

    def _drop_plans(self):
        for part in (self._whole, *self._parts.values()):
            part.plans.drop()


def _instance(node):
    """The user's object of a Python layer that runs."""
    return getattr(node.layer, "instance", None)


class LayerFace:
    """A layer of ``net.layers``."""

    def __init__(self, net, place):
        self._net, self._place = net, place

    @classmethod
    def of(cls, net, place):
        """The user's object where ``place`` is a Python layer that has one."""
        node = None if place.node is None else net.graph.nodes[place.node]
        return node and _instance(node) or cls(net, place)

    type = property(lambda self: self._place.type)
    name = property(lambda self: self._place.name)

    @property
    def blobs(self):
        """The layer's parameters, a list of :class:`.blob.ParamBlob`."""
        node = self._place.node
        return [] if node is None else self._net.param_blobs(node)

    def __repr__(self):
        return f"<Layer {self.name!r}: {self.type}>"
