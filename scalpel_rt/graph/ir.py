"""The graph: layers in file order, joined by blobs that are each written once.

Caffe lets a layer write onto its own bottom. Here every writing makes a new :class:`Blob` (static single assignment),
so a pass or a kernel never has to ask who else sees a memory; the last blob of a name is what ``net.blobs[name]``
shows. A graph is not changed after it is built: passes, pruning and new input shapes make a new one.
"""

from dataclasses import dataclass, field

import numpy as np

from ..errors import ShapeError


@dataclass(eq=False)
class Blob:
    """A value between layers. ``name`` is Caffe's; ``version`` counts the in-place rewrites, from 0.

    ``shape`` is None where it hangs on an input whose shape nobody has said yet.
    """

    name: str
    shape: tuple
    version: int = 0

    def __repr__(self):
        return f"{self.name}{'′' * self.version}{'(?)' if self.shape is None else self.shape}"


class Param:
    """A learnt blob, float32; all users of shared weights hold the same ``Param``.

    Parameters
    ----------
    array : ndarray, optional
        The values; may be a read-only view of a file. Not copied.
    share_name : str
        The name given in ``param { name: }``, or "".
    shape : tuple, optional
        The shape, where ``array`` is not there yet.
    fill : callable, optional
        Makes the array when it is first asked for, if nothing was loaded: ``fill() -> float32 ndarray of shape``.
    owner : Param, optional
        Where another layer shares storage under another shape (PERMISSIVE), its node holds a second Param that is
        a reshaped view of its owner.
    """

    __slots__ = ("shape", "share_name", "owner", "_array", "_fill", "__weakref__")

    def __init__(self, array=None, share_name="", *, shape=None, fill=None, owner=None):
        self.shape = tuple(int(d) for d in (array.shape if shape is None else shape))
        self.share_name = share_name
        self.owner = owner
        self._array = None
        self._fill = fill
        if array is not None:
            self.array = array

    @property
    def array(self):
        """The values, made by the filler at the first use when nothing was loaded."""
        if self.owner is not None:
            return self.owner.array.reshape(self.shape)
        if self._array is None:
            self.array = np.zeros(self.shape, np.float32) if self._fill is None else self._fill()
        return self._array

    @array.setter
    def array(self, array):
        array = np.asarray(array)
        if array.shape != self.shape or array.dtype != np.float32:
            raise ShapeError(f"a parameter of shape {self.shape}, float32, cannot hold {array.shape}, {array.dtype}")
        if self.owner is not None:
            self.owner.array = array.reshape(self.owner.shape)
        else:
            self._array = array

    def writable(self):
        """The values as a C-contiguous array that can be written: where they are no such array, a copy takes their
        place."""
        if self.owner is not None:
            return self.owner.writable().reshape(self.shape)
        flags = self.array.flags
        if not (flags.c_contiguous and flags.aligned and flags.writeable):
            self.array = np.array(self.array, np.float32, order="C")
        return self.array

    def later(self, make):
        """Take the values from ``make()``, float32 of this shape, when they are first asked for."""
        if self.owner is not None:
            self.owner.later(lambda: make().reshape(self.owner.shape))
        else:
            self._array, self._fill = None, make

    @property
    def loaded(self):
        """Whether the values are there, and not still to be made (by the filler, or from a packed form)."""
        return self._array is not None if self.owner is None else self.owner.loaded

    def __repr__(self):
        return f"Param{self.shape}" + (f" {self.share_name!r}" if self.share_name else "")


@dataclass(eq=False)
class Node:
    """A layer with its place in the net. ``implicit``: Caffe inserts it by itself, it stands in no file."""

    layer: object
    bottoms: tuple
    tops: tuple
    params: tuple = ()
    implicit: bool = False

    @property
    def name(self):
        return self.layer.name

    @property
    def type(self):
        return self.layer.type


@dataclass(eq=False)
class Graph:
    """A whole net. ``inputs`` and ``outputs`` are blobs, in Caffe's order (outputs alphabetical by bytes).

    ``message`` is the upgraded, filtered NetParameter that it was built from; ``notes`` says, by layer name, what a
    reader should know (a data base that became an input, …).
    """

    name: str
    nodes: tuple
    inputs: tuple
    outputs: tuple
    phase: str = "TEST"
    message: object = None
    notes: dict = field(default_factory=dict)

    @property
    def ready(self):
        """Whether all shapes are known; if not, parameters are not there yet either."""
        return all(blob.shape is not None for node in self.nodes for blob in node.tops)

    def final_blobs(self):
        """{name: last Blob of that name}, in the order of first appearance."""
        found = {}
        for node in self.nodes:
            for blob in node.tops:
                found[blob.name] = blob
        return found
