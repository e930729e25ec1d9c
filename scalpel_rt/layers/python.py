"""Python: a layer that the user wrote in Python, against pycaffe's caffe.Layer."""

import numpy as np

from ..errors import UnsupportedError
from ._base import Layer, as_f32
from ._pycaffe_layer import PythonBlob, is_there, load_class, running
from ._registry import register
from ._rpn import python_proposal


@register
class Python(Layer):
    """Any bottoms -> any tops, by ``module`` and ``layer`` of ``python_param``.

    The user's class is made and set up once for each layer, as in Caffe; before each forward its ``reshape`` is called,
    so the tops' shapes may follow the data. It runs only where the caller vouches for the net (``trusted``). Else:

    - Faster R-CNN's ``rpn.proposal_layer.ProposalLayer`` is done by this library's own code, also where the caller
      vouches for the net but there is no such module;
    - a layer without bottoms is a data layer: its tops become inputs that the caller feeds;
    - any other is an UnsupportedError.

    ``instance`` is the user's object, None before it is needed.
    """

    type = "Python"
    bottoms = (0, None)
    tops = (0, None)
    dynamic = True
    in_place = True

    def parse(self, message):
        p = message.python_param
        self.code = f"{p.module}.{p.layer}"
        self._native = python_proposal(p.param_str) if self.code == "rpn.proposal_layer.ProposalLayer" else None
        self.instance = None
        self._bottom = self._top = ()

    @property
    def runs(self):
        """Whether the user's code is run."""
        return self.trusted and (self._native is None or is_there(self.code.rsplit(".", 1)[0]))

    @property
    def is_input(self):
        return not self.trusted and not self.message.bottom

    @property
    def note(self):
        if self.runs:
            return None
        if self.is_input:
            return (f"the Python data layer {self.code} is not run: its tops are inputs "
                    "(allow_python=True at loading runs it)")
        return f"done by this library's own code instead of {self.code}" if self._native else None

    def shapes(self, bottoms):
        if self.is_input:
            return [None] * len(self.message.top)
        if not self.runs:
            return self._own().shapes(bottoms, len(self.message.top))
        with running:
            self._prepare(bottoms)
            return [blob.shape for blob in self._top]

    def param_shapes(self, bottoms):
        if not self.runs:
            return []
        with running:
            self._prepare(bottoms)
            return [blob.shape for blob in self.instance.blobs]

    def fillers(self):
        return [blob.data.copy() for blob in self.instance.blobs] if self.instance else []     # as setup left them

    def forward(self, bottoms, params):
        if not self.runs:
            return self._own().forward(bottoms, len(self.message.top))
        with running:
            self._prepare([b.shape for b in bottoms], bottoms)
            for blob, values in zip(self.instance.blobs, params, strict=True):
                blob.data = values if values.flags.writeable else values.copy()     # the user's code may learn
            self.instance.forward(self._bottom, self._top)
            return [as_f32(np.array(blob.data)) for blob in self._top]

    def _own(self):
        if self._native is None:
            raise UnsupportedError(f"runs the Python code {self.code}; if you trust the net, load it with "
                                   "allow_python=True")
        return self._native

    def _prepare(self, shapes, arrays=None):
        """Give the user's object its bottoms, set it up when it is new, and let it shape its tops."""
        if not self._top:
            names = list(self.message.bottom)
            self._bottom = [PythonBlob() for _ in names]
            self._top = [self._bottom[i] if i < len(names) and names[i] == top else PythonBlob()
                         for i, top in enumerate(self.message.top)]
        for i, (blob, shape) in enumerate(zip(self._bottom, shapes, strict=True)):
            blob.reshape(*shape)
            blob.data[...] = 0 if arrays is None else arrays[i]
        if self.instance is None:
            instance = load_class(*self.code.rsplit(".", 1))(self.message)
            instance.param_str = instance.param_str_ = self.message.python_param.param_str
            instance.phase = 0 if self.phase == "TRAIN" else 1
            instance.setup(self._bottom, self._top)
            self.instance = instance
        self.instance.reshape(self._bottom, self._top)
