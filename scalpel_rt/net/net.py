"""Net: what :func:`scalpel_rt.load` returns."""

from collections.abc import Mapping

import numpy as np

from ..errors import DataError, GraphError, OptionsError
from ..graph import summarize
from ..graph.save import save_net
from ..notebook import net_part
from .blobs import Blobs
from .params import Params
from .plans import Plans
from .values import Values
from .watch import Watch


class Net:
    """A Caffe net that runs: ``net.forward(data=x)`` gives ``{output blob: array}``.

    Attributes
    ----------
    inputs, outputs : list of str
        Blob names, in Caffe's order (outputs sorted by bytes).
    blobs : mapping of name to view
        ``.data`` and ``.shape`` of every blob; the data of inputs can be written.
    params : mapping of layer name to list of views
        ``.data`` can be written, and the next forward uses what was.
    layers : tuple of Node
        In the order of the file: name, type, bottoms, tops, params.
    graph : Graph
        The net at its present shapes.
    options : Options
        How it is planned; may be set.

    A Net belongs to one thread at a time; for several, take a plan each from :meth:`compile` and its clone_state().

    Parameters
    ----------
    graph : Graph
    options : Options, optional
    weights : Weights, optional
        For a graph whose parameters are not there yet because the shape of an input is unknown.
    limits : Limits, optional
        For shapes to come.
    seed : int
        Of fillers to come.
    """

    def __init__(self, graph, options=None, *, weights=None, limits=None, seed=0):
        self._plans = Plans(graph, options, weights, limits, seed)
        self.watch = Watch()
        self.values = Values(self._plans, self.watch)
        self.blobs = Blobs(self)
        self.params = Params(self)

    name = property(lambda self: self.graph.name)
    graph = property(lambda self: self._plans.graph)
    layers = property(lambda self: self.graph.nodes)
    inputs = property(lambda self: [blob.name for blob in self.graph.inputs])
    outputs = property(lambda self: [blob.name for blob in self.graph.outputs])

    @property
    def options(self):
        return self._plans.options

    @options.setter
    def options(self, options):
        self._plans.options = options

    def forward(self, inputs=None, /, **arrays):
        """Run the net.

        Parameters
        ----------
        inputs : dict, optional
            {input name: array}, for names that are no Python words; the rest as keywords.

        Arrays of any real type, read as float32. An input that is not given keeps what it held (zeros at first);
        one of another shape than before reshapes the net. Returns {output name: float32 array}, the caller's to keep.
        Raises GraphError for an unknown input, ShapeError where shapes do not fit, DataError for values that no
        layer can take.
        """
        if inputs is not None and not isinstance(inputs, Mapping):
            raise OptionsError("arrays go to inputs by name, as forward(data=x) or forward({'data': x}), not a "
                               f"{type(inputs).__name__} alone")
        given = {name: _as_array(name, array) for name, array in {**(inputs or {}), **arrays}.items()}
        shapes = {blob.name: blob.shape for blob in self.graph.inputs}
        self._check_names(given)
        if any(shapes[name] != array.shape for name, array in given.items()):
            self.reshape({name: array.shape for name, array in given.items()})
        for name, array in given.items():
            self.values.feed(name, array)
        self._notice_changes()
        outputs = self.values.forward()
        self.watch.active = True
        return dict(zip(self.outputs, outputs, strict=True))

    def reshape(self, shapes=None, /, **more):
        """Give inputs other shapes: ``net.reshape(data=(1, 3, 227, 227))``; all that follows is computed anew.

        Raises ShapeError, and leaves the net as it is, where a layer or its weights cannot take them.
        """
        shapes = {**(shapes or {}), **more}
        self._check_names(shapes)
        if shapes:
            self._plans.reshape(shapes)
            self.values.forget()

    def compile(self, options=None):
        """A plan for the present shapes, of the weights as they are now: ``plan.run(x)``; see its own description."""
        return self._plans.compile(options or self.options)

    def profile(self, options=None, **how):
        """Where the time goes, step by step: a :class:`scalpel_rt.profile.Profile`; parameters as for
        :func:`scalpel_rt.profile.profile`."""
        from ..profile import profile

        return profile(self, options, **how)

    def forecast(self, sparsity=(0.5, 0.7, 0.8, 0.9, 0.95), **how):
        """What pruning would buy on this machine, measured before anything is pruned: a
        :class:`scalpel_rt.profile.Forecast`; parameters as for :func:`scalpel_rt.profile.forecast`."""
        from ..profile import forecast

        return forecast(self, sparsity, **how)

    def save(self, prototxt=None, caffemodel=None):
        """Write files that any Caffe reads; a ``caffemodel`` whose name ends in ``.h5`` is written as HDF5.

        A first name that ends in ``.safetensors`` gives a compact file instead: one for net and weights, without what
        is zero; :func:`scalpel_rt.load` reads it.
        """
        save_net(self.graph, prototxt, caffemodel)

    def summary(self):
        """Numbers of the net and its layers at the present shapes: a :class:`scalpel_rt.graph.summary.Summary`."""
        return summarize(self.graph)

    def plot(self, path=None, rankdir="TB"):
        """Draw the net: a :class:`scalpel_rt.report.drawing.Drawing`, which notebooks show.

        path : str, optional
            Write it there too: .svg, .png or .pdf.
        rankdir : "TB", "LR", "BT" or "RL"
            Which way it runs.

        The bluer a layer, the more of its weights are zero. Needs Graphviz' program ``dot``; UnsupportedError without.
        """
        from ..report.drawing import draw

        return draw(self.graph, path, rankdir)

    def _repr_html_(self):
        return net_part(self)

    def __repr__(self):
        return (f"<Net {self.name!r}: {len(self.layers)} layers, {', '.join(self.inputs) or 'no input'} -> "
                f"{', '.join(self.outputs)}>")

    def _notice_changes(self):
        """Plans hold packed weights; when the user has written to the originals they go."""
        if self.watch.changed():
            self._plans.drop()

    def _check_names(self, names):
        for name in names:
            if name not in self.inputs:
                raise GraphError(f"the net has no input {name!r}; its inputs are {', '.join(self.inputs) or 'none'}")


def _as_array(name, values):
    try:
        array = np.asarray(values)
    except ValueError as error:         # lists of unequal lengths
        raise DataError(f"input {name!r} is no array: {error}") from None
    if array.dtype.kind not in "fiub":
        raise DataError(f"input {name!r} must be an array of real numbers, not of {array.dtype}")
    return array
