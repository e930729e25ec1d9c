"""A net's layers as Caffe lists them: with the Splits that it puts behind every blob with several readers."""

from collections import Counter
from dataclasses import dataclass

from ..graph.wiring import split_name


@dataclass(frozen=True)
class Place:
    """A layer in Caffe's list.

    ``bottoms`` and ``tops`` are names of blobs; ``node`` is the place in ``graph.nodes``, None for a Split, of which
    the graph has no need.
    """

    name: str
    type: str
    bottoms: tuple
    tops: tuple
    node: int = None


def caffe_layers(graph):
    """([:class:`Place`], {name of a Split's top: name of the blob that it is a copy of}) of a graph."""
    readers = Counter(blob for node in graph.nodes for blob in node.bottoms)
    places, copies, makers, read = [], {}, {}, Counter()
    losses = {node.bottoms[0]: i for i, node in enumerate(graph.nodes) if node.implicit}    # read by the loss weight

    def bottom(blob):
        if readers[blob] < 2:
            return blob.name
        read[blob] += 1
        return split_name(blob.name, *makers[blob], read[blob] - 1)

    for i, node in enumerate(graph.nodes):
        if node.implicit:
            continue
        bottoms = tuple(map(bottom, node.bottoms))
        places.append(Place(node.name, node.type, bottoms, tuple(blob.name for blob in node.tops), i))
        for j, blob in enumerate(node.tops):
            makers[blob] = node.name, j
            if readers[blob] < 2:
                continue
            names = tuple(split_name(blob.name, node.name, j, k) for k in range(readers[blob]))
            loss = losses.get(blob)
            places.append(Place(names[0].rsplit("_", 1)[0], "Split", (blob.name,), names, loss))
            copies.update(dict.fromkeys(names if loss is None else names[1:], blob.name))
            read[blob] = int(loss is not None)
    return places, copies
