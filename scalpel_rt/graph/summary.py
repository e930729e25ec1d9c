"""The numbers of a net: shapes, parameters, multiply-adds, memory; for whoever shows them."""

from dataclasses import dataclass

from ..layers._base import count


@dataclass(frozen=True)
class LayerSummary:
    """One layer: shapes are tuples (None where unknown), ``parameters`` and ``multiply_adds`` counts."""

    name: str
    type: str
    bottoms: tuple      # names
    tops: tuple
    top_shapes: tuple
    param_shapes: tuple
    parameters: int
    multiply_adds: int


@dataclass(frozen=True)
class Summary:
    """A whole net. ``parameters`` counts shared ones once; memory is in bytes of float32.

    ``activations`` is what all blobs take if each has a memory of its own (in-place rewrites count once), which is
    what Caffe allocates and an upper bound for a plan that reuses memory. ``multiply_adds`` is for one forward at
    the current shapes, the whole batch.
    """

    name: str
    inputs: dict        # name -> shape
    outputs: dict
    layers: tuple       # of LayerSummary
    parameters: int
    parameter_bytes: int
    multiply_adds: int
    activation_bytes: int
    notes: dict


def summarize(graph):
    """The :class:`Summary` of a graph; parameters and multiply-adds are 0 as long as a shape is unknown."""
    rows, params = [], {}
    for node in graph.nodes:
        bottoms, tops = [b.shape for b in node.bottoms], [b.shape for b in node.tops]
        shapes = [p.shape for p in node.params]
        rows.append(LayerSummary(
            node.name, node.type, tuple(b.name for b in node.bottoms), tuple(b.name for b in node.tops), tuple(tops),
            tuple(shapes), sum(map(count, shapes)),
            int(node.layer.multiply_adds(bottoms, tops, shapes)) if graph.ready else 0))
        params.update((p if p.owner is None else p.owner, None) for p in node.params)
    parameters = sum(count(p.shape) for p in params)
    blobs = graph.final_blobs().values()
    return Summary(
        graph.name, {b.name: b.shape for b in graph.inputs}, {b.name: b.shape for b in graph.outputs}, tuple(rows),
        parameters, 4 * parameters, sum(row.multiply_adds for row in rows),
        sum(4 * count(b.shape) for b in blobs if b.shape is not None), dict(graph.notes))
