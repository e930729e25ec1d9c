"""Two operations become one: the walk over a program that the fusing passes share."""

from collections import defaultdict

from ..plan.spec import Op, Value


class Readers:
    """Who reads each value of a program."""

    def __init__(self, program):
        self._readers = defaultdict(list)
        self._outputs = set(program.outputs)
        for op in program.ops:
            for value in op.inputs:
                self._readers[value].append(op)

    def only(self, value):
        """The one operation that reads ``value``, once; None when there are more or none, or it is an output."""
        readers = self._readers[value]
        return readers[0] if len(readers) == 1 and value not in self._outputs else None

    def only_through_views(self, value):
        """(the one reader of ``value``, the views in between); (None, []) when there is none."""
        views = []
        reader = self.only(value)
        while reader is not None and reader.kind == "view":
            views.append(reader)
            reader = self.only(reader.outputs[0])
        return (reader, views) if reader is not None else (None, [])


def fuse_pairs(program, fuse):
    """Replace a producer and its only reader by what ``fuse(producer, reader)`` makes of them, as often as it can.

    ``fuse`` returns the producer as it should be, its outputs still its own, or None. The reader must keep the count
    and the order of the elements; views between the two go away, and one takes their place where the shapes differ.
    """
    readers, ops, gone = Readers(program), [], set()
    for op in program.ops:
        if id(op) in gone:
            continue
        view = None
        while len(op.outputs) == 1:
            reader, views = readers.only_through_views(op.outputs[0] if view is None else view.outputs[0])
            fused = fuse(op, reader) if reader is not None else None
            if fused is None:
                break
            gone.update(map(id, [reader, *views]))
            op, view = _ending_in(fused.with_(name=joined(op, reader)), reader.outputs[0])
        ops.append(op)
        if view is not None:
            ops.append(view)
    return type(program)(tuple(ops), program.inputs, program.outputs)


def _ending_in(op, value):
    """(``op`` writing ``value``, None), or, where its shape is another, (``op``, a view that makes ``value`` of it)."""
    shape = op.outputs[0].shape
    if shape == value.shape:
        return op.with_(outputs=(value,)), None
    own = Value(value.name, shape)
    return op.with_(outputs=(own,)), Op("view", op.name, (own,), (value,))


def joined(*ops):
    """The name of what does the work of several operations."""
    return "+".join(dict.fromkeys(part for op in ops for part in op.name.split("+")))


def channels_agree(y, x):
    """Whether axis 1 of ``y`` is the middle axis of ``x`` (O, C, I), which has the same elements in the same order."""
    return len(y.shape) >= 2 and x.shape[:2] == y.shape[:2]
