"""The graph: layers in file order, joined by blobs that are each written once.

Caffe lets a layer write onto its own bottom. Here every writing makes a new :class:`Blob` (static single assignment),
so a pass or a kernel never has to ask who else sees a memory; the last blob of a name is what ``net.blobs[name]``
shows. A graph is not changed after it is built: passes and pruning make a new one.
"""

from dataclasses import dataclass, field


@dataclass(eq=False)
class Blob:
    """A value between layers. ``name`` is Caffe's; ``version`` counts the in-place rewrites, from 0."""

    name: str
    shape: tuple
    version: int = 0

    def __repr__(self):
        return f"{self.name}{'′' * self.version}{self.shape}"


@dataclass(eq=False)
class Param:
    """A learnt blob. ``array`` is float32 and shared with all users of the same ``Param``.

    ``share_name`` is the name given in ``param { name: }``, or "". Where a layer shares storage under another shape
    (PERMISSIVE), its node holds a second ``Param`` whose array is a reshaped view of the owner's.
    """

    array: object
    share_name: str = ""


@dataclass(eq=False)
class Node:
    """A layer with its place in the net."""

    layer: object
    bottoms: tuple
    tops: tuple
    params: tuple = ()

    @property
    def name(self):
        return self.layer.name

    @property
    def type(self):
        return self.layer.type


@dataclass(eq=False)
class Graph:
    """A whole net. ``inputs`` and ``outputs`` are blobs, in Caffe's order (outputs alphabetical by bytes)."""

    name: str
    nodes: tuple
    inputs: tuple
    outputs: tuple
    phase: str = "TEST"
    message: object = None              # the upgraded, filtered NetParameter that it was built from
    notes: dict = field(default_factory=dict)

    def final_blobs(self):
        """{name: last Blob of that name}, in the order of first appearance."""
        found = {}
        for node in self.nodes:
            for blob in node.tops:
                found[blob.name] = blob
        return found
