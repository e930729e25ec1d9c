"""What a net's inputs hold, and what its last forward computed."""

import numpy as np

from ..errors import DataError, ShapeError
from .watch import Watch


class Values:
    """The arrays behind ``net.blobs``.

    Inputs have a memory of their own, which forwards read and never write. Other blobs are fetched from the plan when
    asked for; what the plan did not keep, a run that keeps everything brings back, and from then on plans keep it.
    """

    def __init__(self, plans, weights):
        self._plans = plans
        self._weights = weights         # Watch over the learnt blobs
        self._feeds = {}        # input name -> array of its present shape
        self._lent = Watch()    # feeds in the hands of the user
        self._fed = None        # the inputs of the last forward, for running it again; None before the first
        self._plan = None       # that holds values of the last forward
        self._read = {}         # name -> array given out since the last forward
        self._rewritten = {}    # name of an input that a layer works on in place -> what was given out of its end

    def feed(self, name, array):
        """Set an input, to a copy of ``array`` (of the input's shape)."""
        self._rewritten.pop(name, None)
        with np.errstate(over="ignore", invalid="ignore"):  # a double beyond float32 becomes infinite
            np.copyto(self._buffer(name), array, casting="unsafe")

    def forward(self):
        """Run the present plan on the inputs; a tuple of the outputs' arrays."""
        for name, (array, end) in self._rewritten.items():
            if array.tobytes() != end.tobytes():    # what was shown was the end, what is written there is the start
                np.copyto(self._buffer(name), array)
        graph, plan = self._plans.graph, self._plans.plan()
        feeds = [self._buffer(blob.name) for blob in graph.inputs]
        self.forget()
        outputs = plan.run_all(*feeds)
        self._plan = plan
        self._fed = [feed.copy() if self._lent.held(blob.name) else feed
                     for blob, feed in zip(graph.inputs, feeds, strict=True)]
        return outputs

    def forget(self):
        """Drop what the last forward computed."""
        self._fed = self._plan = None
        self._read = {}
        self._rewritten = {}

    def read(self, name):
        """The array of a blob: an input's own memory, or what the last forward left in the blob."""
        blob = self._plans.graph.final_blobs()[name]
        is_input = any(blob.name == name for blob in self._plans.graph.inputs)
        if is_input and (blob.version == 0 or self._fed is None):
            self._part(name)
            return self._lent.hand_out(name, self._buffer(name))
        if name not in self._read:
            self._read[name] = self._fetch(blob)
            if is_input:
                self._rewritten[name] = self._read[name], self._read[name].copy()
        return self._read[name]

    def _part(self, name):
        """Let the inputs of the last forward be a copy of an input's memory before somebody may write there."""
        if self._fed is not None:
            for i, blob in enumerate(self._plans.graph.inputs):
                if blob.name == name and self._fed[i] is self._feeds.get(name):
                    self._fed[i] = self._fed[i].copy()

    def _buffer(self, name):
        """An input's memory, zeros where it is new."""
        shape = next(blob.shape for blob in self._plans.graph.inputs if blob.name == name)
        if shape is None:
            raise ShapeError(f"the shape of input {name!r} is not known yet: reshape the net, or pass an array")
        if name not in self._feeds or self._feeds[name].shape != shape:
            self._feeds[name] = np.zeros(shape, np.float32)
        return self._feeds[name]

    def _fetch(self, blob):
        if self._fed is None:
            if blob.shape is None:
                raise ShapeError(f"the shape of blob {blob.name!r} is not known yet: reshape the net first")
            return np.zeros(blob.shape, np.float32)
        try:
            return self._plan.value(blob)
        except KeyError:
            if self._weights.changed():
                self._plans.drop()
                raise DataError(f"blob {blob.name!r} was not kept, and weights were written since the last forward: "
                                "run forward again, or read the blob before writing") from None
            self._plans.keep([blob.name])
            self._plan = self._plans.compile(self._plans.options, "all")
            self._plan.run_all(*self._fed)
            return self._plan.value(blob)
