"""Views of views, views that change nothing, and copies that only repeat their input."""

from ..plan.spec import Program
from .drop_dead import drop_dead


def flatten_views(program):
    """Every view looks directly at what an operation wrote; one of the same shape gives way to what it looks at.

    A copy of one whole input, element by element in order, counts as a view. What nobody reads then is left out.
    """
    source = {}     # value -> the written value whose memory it is
    same = {}       # value -> what is read in its place
    twins = {}      # (written value, shape) -> the view that is kept
    ops = []
    outputs = set(program.outputs)
    for op in program.ops:
        op = op.with_(inputs=tuple(same.get(v, v) for v in op.inputs))
        if op.kind == "copy" and _repeats(op):
            op = op.with_(kind="view", attrs={})
        if op.kind == "view":
            x, y = source.get(op.inputs[0], op.inputs[0]), op.outputs[0]
            source[y] = x
            twin = x if x.shape == y.shape else twins.setdefault((x, y.shape), y)
            if twin is not y and y not in outputs:
                same[y] = twin
                continue
            op = op.with_(inputs=(x,))
        ops.append(op)
    return drop_dead(Program(tuple(ops), program.inputs, program.outputs))


def _repeats(op):
    [x, *others], [y], parts = op.inputs, op.outputs, op.attrs["parts"]
    if others or len(parts) != 1 or x.size != y.size or y.size == 0:
        return False
    [part] = parts
    run = [1]
    for d in reversed(part["dims"][1:]):
        run.append(run[-1] * d)
    run = tuple(reversed(run))
    return part["x_offset"] == part["y_offset"] == 0 and part["x_strides"] == part["y_strides"] == run
