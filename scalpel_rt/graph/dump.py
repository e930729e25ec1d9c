"""Shows a graph: as text, as JSON, or for Graphviz."""

import json
from functools import partial

from ..errors import OptionsError
from .summary import summarize


def dump(graph, form="text", rankdir="TB", notes=None):
    """``graph`` as a str.

    form : "text", "json" or "dot"
        One line a layer; an object with inputs, outputs, layers and totals; a digraph of layers for Graphviz.
        Of text and dot the form may change, of JSON keys are only added.
    rankdir : "TB", "LR", "BT" or "RL"
        Which way Graphviz is to draw.
    notes : {Node: (line of text, colour)}, optional
        For dot: what to write into nodes below their names, and how to fill them.
    """
    if rankdir not in ("TB", "LR", "BT", "RL"):
        raise OptionsError(f"rankdir is 'TB', 'LR', 'BT' or 'RL', not {rankdir!r}")
    forms = {"text": _text, "json": _json, "dot": partial(_dot, rankdir=rankdir, notes=notes or {})}
    if form not in forms:
        raise OptionsError(f"a graph is dumped as {', '.join(map(repr, forms))}, not {form!r}")
    return forms[form](graph)


def _shape(shape):
    return "?" if shape is None else "x".join(map(str, shape)) or "scalar"


def _text(graph):
    summary = summarize(graph)
    lines = [f"{graph.name or 'net'} ({graph.phase}): {len(graph.nodes)} layers, {summary.parameters} parameters"]
    for node in graph.nodes:
        bottoms = ", ".join(f"{b.name}{'′' * b.version}" for b in node.bottoms)
        tops = ", ".join(f"{b.name}{'′' * b.version} {_shape(b.shape)}" for b in node.tops)
        params = "  [" + ", ".join(_shape(p.shape) for p in node.params) + "]" if node.params else ""
        lines.append(f"  {node.name}: {node.type}({bottoms}) -> {tops}{params}")
    for what, blobs in (("inputs", graph.inputs), ("outputs", graph.outputs)):
        lines.append(f"{what}: " + (", ".join(f"{b.name} {_shape(b.shape)}" for b in blobs) or "none"))
    lines += [f"note: layer {name!r}: {note}" for name, note in graph.notes.items()]
    return "\n".join(lines) + "\n"


def _json(graph):
    summary = summarize(graph)
    layers = [
        {"name": row.name, "type": row.type,
         "bottoms": [{"name": b.name, "version": b.version} for b in node.bottoms],
         "tops": [{"name": b.name, "version": b.version, "shape": b.shape} for b in node.tops],
         "params": [{"shape": p.shape, "share_name": p.share_name} for p in node.params],
         "parameters": row.parameters, "multiply_adds": row.multiply_adds}
        for row, node in zip(summary.layers, graph.nodes, strict=True)]
    return json.dumps(
        {"name": graph.name, "phase": graph.phase, "inputs": summary.inputs, "outputs": summary.outputs,
         "layers": layers, "parameters": summary.parameters, "parameter_bytes": summary.parameter_bytes,
         "multiply_adds": summary.multiply_adds, "activation_bytes": summary.activation_bytes, "notes": summary.notes},
        indent=1) + "\n"


def _dot(graph, rankdir, notes):
    lines = [f"digraph {_quoted(graph.name or 'net')} {{", f"  rankdir={rankdir}; node [shape=box, fontsize=10];"]
    maker = {}
    for i, node in enumerate(graph.nodes):
        look, said = ", style=rounded" if node.layer.is_input else "", []
        if node in notes:
            said, color = [notes[node][0]], notes[node][1]
            look = f", style=filled, fillcolor={_quoted(color)}"
        lines.append(f"  n{i} [label={_quoted(node.name, node.type, *said)}{look}];")
        lines += [f"  n{maker[blob]} -> n{i} [label={_quoted(f'{blob.name} {_shape(blob.shape)}')}, fontsize=8];"
                  for blob in node.bottoms]
        maker.update((blob, i) for blob in node.tops)
    for i, blob in enumerate(graph.outputs):
        lines.append(f"  out{i} [label={_quoted(blob.name)}, shape=plaintext];")
        lines.append(f"  n{maker[blob]} -> out{i} [label={_quoted(_shape(blob.shape))}, fontsize=8];")
    return "\n".join([*lines, "}"]) + "\n"


def _quoted(*lines):
    """A Graphviz string of one or more lines, whatever is in the names."""
    escaped = (line.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") for line in lines)
    return '"' + "\\n".join(escaped) + '"'
