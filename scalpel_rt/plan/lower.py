"""From layers to operations."""

from ..errors import located
from .spec import Builder, Program, Value


class Lowering:
    """Grows a Program layer by layer, for as long as the layers can be said in operations.

    Parameters
    ----------
    shapes : dict
        {Blob: shape} of everything that the layers read and write.
    """

    def __init__(self, shapes):
        self._shapes = shapes
        self._build = Builder()
        self._values = {}               # Blob -> Value
        self._written = set()

    def add(self, node):
        """Lower a node; False, and nothing changed, when its layer has no words for it.

        Nor is anything empty lowered: kernels and forms may count on one element at least.
        """
        shapes = [self._shapes[blob] for blob in (*node.bottoms, *node.tops)] + [param.shape for param in node.params]
        if any(0 in shape for shape in shapes):
            return False
        build, before = self._build, len(self._build.ops)
        build.layer(node.name)
        with located(layer=node.name):
            bottoms = [self._value(blob) for blob in node.bottoms]
            tops = [Value(blob.name, self._shapes[blob]) for blob in node.tops]
            if not node.layer.lower(build, bottoms, tops, [param.array for param in node.params]):
                del build.ops[before:]
                return False
        self._values.update(zip(node.tops, tops, strict=True))
        self._written.update(node.tops)
        return True

    def _value(self, blob):
        if blob not in self._values:
            self._values[blob] = Value(blob.name, self._shapes[blob])
        return self._values[blob]

    def program(self, outputs, kept=(), inputs=None):
        """(the Program, the blobs that are its inputs).

        Its outputs are the blobs ``outputs`` and then ``kept``; its inputs are those asked for, or, without
        ``inputs``, all blobs that were read and not written.
        """
        survivors = [self._value(blob) for blob in (*outputs, *kept)]
        if inputs is None:
            inputs = [blob for blob in self._values if blob not in self._written]
        return Program(tuple(self._build.ops), tuple(map(self._value, inputs)), tuple(survivors)), tuple(inputs)
