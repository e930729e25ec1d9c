"""From the names of bottoms and tops to blobs that are each written once.

Caffe puts a Split layer behind a blob with several readers and gives each reader a copy under a new name. Nothing is
copied here, but what follows from the renaming stays true: a layer works in place only where it is the sole reader of
what it overwrites (otherwise its bottom has another name by then, and it makes its top anew), and a loss weight
counts as a reader, whose copy nobody reads and which is therefore an output of the net.
"""

from collections import Counter

from ..errors import GraphError, located
from ..layers import find
from .filter import PHASES
from .ir import Blob, Node

AUTOMATIC = "(automatic)"  # Caffe's name for the top that a loss layer without one is given


def wire(message, phase, trusted=False):
    """(nodes, inputs, outputs) of a filtered NetParameter; blobs have no shapes and nodes no parameters yet.

    ``phase`` is the net's, "TRAIN" or "TEST"; ``trusted`` is handed to the layers (they may run code that the net
    names). Raises GraphError, or UnsupportedError for an unknown layer type, with the layer's name.
    """
    readers = count_readers(message)
    nodes, inputs = [], []
    latest = {}     # name -> (the blob that holds it at this point of the file, (layer, top) that wrote it)
    unread = {}     # blobs that nobody has read so far: what is left are the outputs
    for i, said in enumerate(message.layer):
        with located(layer=said.name):
            layer = make_layer(said, phase, trusted)
            bottoms = tuple(latest[name][0] for name in said.bottom)
            for blob in bottoms:
                unread.pop(blob, None)
            tops = []
            for j, name in enumerate(said.top):
                blob = Blob(name, None, _next_version(name, j, said, latest, readers))
                latest[name] = blob, (i, j)
                unread[blob] = None
                tops.append(blob)
            if layer.is_loss:
                tops += [Blob(AUTOMATIC, None) for _ in range(layer.tops[0] - len(tops))]
            layer.check_counts(len(bottoms), len(tops))
            _check_training_fields(said, len(bottoms), len(tops))
            nodes.append(Node(layer, bottoms, tuple(tops)))
            if layer.is_input:
                inputs += tops
            for j, weight in enumerate(said.loss_weight):
                if weight and readers[i, j] > 1:
                    nodes.append(_loss_split(said, j, tops[j], phase))
                    unread[nodes[-1].tops[0]] = None
    return tuple(nodes), tuple(inputs), tuple(sorted(unread, key=lambda blob: blob.name.encode()))


def count_readers(message):
    """Counter {(index of a layer, index of its top): bottoms that read it, plus one for a loss weight}.

    Raises GraphError for a bottom that no earlier layer makes.
    """
    made, readers = {}, Counter()
    for i, layer in enumerate(message.layer):
        for j, name in enumerate(layer.bottom):
            if name not in made:
                raise _unknown_bottom(name, i, j, message)
            readers[made[name]] += 1
        for j, name in enumerate(layer.top):
            made[name] = i, j
            if j < len(layer.loss_weight) and layer.loss_weight[j]:
                readers[i, j] += 1
    return readers


def make_layer(message, phase, trusted=False):
    """The Layer for a LayerParameter. A ``phase`` of its own overrides the net's."""
    layer = find(message.type)(message, PHASES[message.phase] if message.HasField("phase") else phase)
    layer.trusted = trusted
    return layer


def split_name(blob, layer, top, reader):
    """What Caffe calls the copy of ``blob`` (top number ``top`` of ``layer``) that reader number ``reader`` gets."""
    return f"{blob}_{layer}_{top}_split_{reader}"


def split_names(graph):
    """{name in Caffe: Blob} of the copies that Caffe would show in ``net.blobs`` and this graph does without."""
    readers = Counter(blob for node in graph.nodes for blob in node.bottoms)
    return {split_name(blob.name, node.name, j, k): blob
            for node in graph.nodes for j, blob in enumerate(node.tops) if readers[blob] > 1
            for k in range(readers[blob])}


def _next_version(name, j, said, latest, readers):
    """The version of the blob that top ``j`` makes; GraphError where Caffe's renaming leaves two makers of a name."""
    if name not in latest:
        return 0
    blob, writer = latest[name]
    if j >= len(said.bottom) or said.bottom[j] != name:
        raise GraphError(f"top {name!r} is made by an earlier layer; a blob has one maker, "
                         f"and a layer works in place only where top {j} is also bottom {j}")
    if readers[writer] > 1:
        raise GraphError(f"cannot work in place on {name!r}: another layer reads that blob too, "
                         f"or it has a loss weight; give the top a name of its own")
    return blob.version + 1


def _unknown_bottom(name, i, j, message):
    for later in message.layer[i + 1:]:
        if name in later.top:
            return GraphError(f"bottom {j}, {name!r}, is made only later, by layer {later.name!r}; "
                              "layers run in the order of the file", layer=message.layer[i].name)
    return GraphError(f"bottom {j}, {name!r}, is made by no layer", layer=message.layer[i].name)


def _check_training_fields(said, n_bottoms, n_tops):
    """Caffe's demands on fields that matter only in training."""
    if len(said.propagate_down) not in (0, n_bottoms):
        raise GraphError(f"propagate_down is given {len(said.propagate_down)} times, for {n_bottoms} bottoms; "
                         "it is given never or once for each")
    if len(said.loss_weight) not in (0, n_tops):
        raise GraphError(f"loss_weight is given {len(said.loss_weight)} times, for {n_tops} tops; "
                         "it is given never or once for each")


def _loss_split(said, j, blob, phase):
    """The Split that Caffe puts behind a top that has a loss weight and readers; its first copy is the loss."""
    top = split_name(blob.name, said.name, j, 0)
    message = type(said)(name=top.rsplit("_", 1)[0], type="Split", bottom=[blob.name], top=[top])
    return Node(make_layer(message, phase), (blob,), (Blob(top, None),), implicit=True)
