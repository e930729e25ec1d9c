"""``net.params``: learnt blobs under their layers' names, writable."""

from collections.abc import Mapping

import numpy as np

from ..errors import ShapeError


class Params(Mapping):
    """{layer name: list of :class:`ParamView`}, layers without parameters left out; of equal names the last.

    What is written to the arrays counts from the next forward on. A file that they were read from stays as it is.
    """

    def __init__(self, net):
        self._net = net

    def _nodes(self):
        return {node.name: node for node in self._net.graph.nodes if node.params}

    def __getitem__(self, name):
        return [ParamView(self._net, param) for param in self._nodes()[name].params]

    def __iter__(self):
        return iter(self._nodes())

    def __len__(self):
        return len(self._nodes())

    def __repr__(self):
        return "{" + ", ".join(f"{name!r}: {views}" for name, views in self.items()) + "}"


class ParamView:
    """One learnt blob: ``shape``, and ``data``, a float32 array that can be written or replaced."""

    __slots__ = ("_net", "_param")

    def __init__(self, net, param):
        self._net = net
        self._param = param

    @property
    def shape(self):
        return self._param.shape

    @property
    def data(self):
        owner = self._param if self._param.owner is None else self._param.owner
        return self._net.watch.hand_out(owner, owner.writable()).reshape(self.shape)

    @data.setter
    def data(self, values):
        values = np.asarray(values, np.float32)
        if values.shape != self.shape:
            raise ShapeError(f"a parameter of shape {self.shape} cannot take values of shape {values.shape}")
        self.data[...] = values

    def __array__(self, dtype=None, copy=None):
        return np.array(self.data, dtype=dtype) if copy or dtype not in (None, np.float32) else self.data

    def __repr__(self):
        return f"<parameter {self.shape}>"
