"""What a net's parameters take, every index and pointer counted."""

from dataclasses import dataclass

import numpy as np

from ..sparse import Csr, Groups, smallest


@dataclass(frozen=True)
class Size:
    """One layer's parameters, or those of a whole net.

    weights : int
        How many numbers it has learnt, biases included; ``nonzeros`` of them are not zero.
    form : str
        The smallest form of its first blob: "dense", "csr", "group in 8" and so on; "" for a whole net.
    bytes : int
        Values, indices and pointers in the smallest form of each blob, as in a compact file.
    """

    weights: int
    nonzeros: int
    form: str
    bytes: int


def measure(graph):
    """({layer: :class:`Size`} for layers with parameters of their own, the Size of all together)."""
    layers, seen = {}, set()
    for node in graph.nodes:
        forms, weights, nonzeros, total = [], 0, 0, 0
        for param in node.params:
            if param.owner is not None or param in seen:
                continue
            seen.add(param)
            found = smallest(param.array)
            forms.append(_name(found))
            weights += param.array.size
            nonzeros += int(np.count_nonzero(param.array))
            total += found.nbytes if isinstance(found, np.ndarray) else found.bytes
        if forms:
            layers[node.name] = Size(weights, nonzeros, forms[0], total)
    return layers, Size(*(sum(getattr(size, what) for size in layers.values()) for what in ("weights", "nonzeros")), "",
                        sum(size.bytes for size in layers.values()))


def _name(found):
    if isinstance(found, Groups):
        return f"group {found.axis} {found.width}"
    return "csr" if isinstance(found, Csr) else "dense"
