"""``net.blobs``: the values between layers, under Caffe's names."""

from collections.abc import Mapping

import numpy as np

from ..graph.wiring import split_names


class Blobs(Mapping):
    """{name: :class:`BlobView`} in the order of the file; of blobs rewritten in place the last.

    The copies that Caffe puts before several readers (``conv1_conv1_0_split_0``) can be looked up too, but are not
    listed.
    """

    def __init__(self, net):
        self._net = net

    def __getitem__(self, name):
        blob = self._net.graph.final_blobs().get(name) or split_names(self._net.graph).get(name)
        if blob is None:
            raise KeyError(name)
        return BlobView(self._net, name, blob.name)

    def __iter__(self):
        return iter(self._net.graph.final_blobs())

    def __len__(self):
        return len(self._net.graph.final_blobs())

    def __repr__(self):
        return "{" + ", ".join(f"{name!r}: {view}" for name, view in self.items()) + "}"


class BlobView:
    """One blob: ``shape`` (None where unknown) and ``data``, a float32 array.

    ``data`` of an input can be written and is what the next forward starts from; that of another blob is what the
    last forward computed (zeros before the first).
    """

    __slots__ = ("_net", "name", "_name")

    def __init__(self, net, name, blob_name):
        self._net = net
        self.name = name
        self._name = blob_name

    @property
    def shape(self):
        return self._net.graph.final_blobs()[self._name].shape

    @property
    def data(self):
        return self._net.values.read(self._name)

    @data.setter
    def data(self, values):
        self.data[...] = values

    def reshape(self, *shape):
        """Give an input another shape, as ``net.reshape(name=shape)``."""
        self._net.reshape({self._name: shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape})

    def __array__(self, dtype=None, copy=None):
        return np.array(self.data, dtype=dtype) if copy or dtype not in (None, np.float32) else self.data

    def __repr__(self):
        return f"<blob {self.shape}>"
