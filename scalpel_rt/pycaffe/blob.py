"""``net.blobs[name]`` and ``net.params[name][i]``: arrays that stay where they are from forward to forward."""

import math
import weakref

import numpy as np

from ..errors import ShapeError
from ..layers._pycaffe_layer import BlobFace, checked_shape


class NetBlob(BlobFace):
    """A blob between layers: its ``data`` is one memory for all forwards, as in Caffe.

    A forward leaves its result here at once (:meth:`hold`), or only where it can be had (:meth:`leave`); whoever asks
    for ``data`` sees no difference. ``touched`` says whether anybody ever asked, and so may have written.
    """

    def __init__(self, name, shape):
        self.name = name
        self.touched = False
        self.known = shape is not None      # a net may leave the shape of an input open
        self._shape = shape or ()
        self._memory = np.zeros(0, np.float32)
        self._array = None      # the memory in the blob's shape
        self._run = None        # which forward knows the values, where the memory does not hold them yet
        self._views = []        # weak references to what the user was given

    @property
    def shape(self):
        return self._shape

    @property
    def data(self):
        """float32 ndarray, writable."""
        array = self.array
        view = np.asarray(memoryview(array))    # with a base of its own: it lives as long as what was made from it
        self._views = [ref for ref in self._views if ref() is not None] + [weakref.ref(view)]
        self.touched = True
        return view

    def reshape(self, *shape):
        """Give it another shape, one argument for each axis. The values stay, one after another, as far as there are
        as many; a blob that becomes larger than ever before is zeros. Other blobs follow at the net's next forward or
        reshape()."""
        shape = checked_shape(shape)
        if self._run is not None:
            self.settle()
        self._take(shape)

    @property
    def array(self):
        """As ``data``, for those who do not keep it."""
        if not self.known:
            raise ShapeError(f"the shape of blob {self.name!r} is not known: the net does not say it; reshape the blob")
        self.settle()
        if self._array is None:
            n = math.prod(self._shape)
            if n > self._memory.size:
                self._memory = np.zeros(n, np.float32)
            self._array = self._memory[:n].reshape(self._shape)
        return self._array

    @property
    def held(self):
        """Whether an array that was given out is still in somebody's hands."""
        return any(ref() is not None for ref in self._views)

    @property
    def pending(self):
        """Whether a forward still knows the values that the memory ought to hold."""
        return self._run is not None

    def hold(self, values):
        """Take over the values of a forward."""
        self._run = None
        self._take(values.shape)
        np.copyto(self.array, values)

    def leave(self, run, shape):
        """Take over the result of ``run`` (:class:`.parts.Run`) later, if anybody asks."""
        self._take(shape)
        self._run = run

    def settle(self):
        """Fetch what a forward left."""
        if self._run is not None:
            self.hold(self._run.value(self.name))

    def _take(self, shape):
        if shape != self._shape or not self.known:
            self._shape, self._array, self.known = shape, None, True

    def __repr__(self):
        return f"<Blob {self.name!r} {self.shape if self.known else '(?)'}>"


class ParamBlob(BlobFace):
    """A learnt blob; what is written to its ``data`` counts from the next forward on."""

    def __init__(self, net, node, index):
        self._net, self._node, self._index = net, node, index

    @property
    def _param(self):
        return self._net.graph.nodes[self._node].params[self._index]

    @property
    def shape(self):
        return self._param.shape

    @property
    def data(self):
        """float32 ndarray, writable."""
        return self._net.lend(self._param)

    def reshape(self, *shape):
        """Parameters have the shape that their layer asks for: ShapeError for any other."""
        shape = checked_shape(shape)
        if shape != self.shape:
            raise ShapeError(f"a parameter of shape {self.shape} cannot become {shape}: its layer asks for that shape; "
                             "change the layer's description")

    def __repr__(self):
        return f"<Blob {self.shape}>"
