"""The sum that ends a residual block is made by the convolution that ends its branch."""

from ..plan.spec import Program
from ._pairs import Readers, joined


def fuse_add(program):
    """eltwise sum of a convolution and something else becomes that convolution with the something added.

    The convolution moves to where the sum was, so that what it adds is there. Of two convolutions the later one takes
    the sum: the other may have finished long ago.
    """
    readers = Readers(program)
    made = {op.outputs[0]: i for i, op in enumerate(program.ops) if op.kind == "conv"}
    moved, ops = set(), {}
    for op in program.ops:
        if op.kind != "eltwise" or op.attrs["fn"] != "sum" or (op.attrs.get("ca", 1), op.attrs.get("cb", 1)) != (1, 1):
            continue
        able = [v for v in op.inputs if v in made and readers.only(v) is op and _plain(program.ops[made[v]])]
        if not able or op.inputs[0] is op.inputs[1]:
            continue
        last = max(able, key=made.get)
        conv = program.ops[made[last]]
        [other] = [v for v in op.inputs if v is not last]
        weights = {**conv.weights, **op.weights}
        moved.add(id(conv))
        ops[id(op)] = conv.with_(name=joined(conv, op), inputs=(conv.inputs[0], other), outputs=op.outputs,
                                 attrs={**conv.attrs, "act": op.attrs.get("act")}, weights=weights)
    return Program(tuple(ops.get(id(op), op) for op in program.ops if id(op) not in moved),
                   program.inputs, program.outputs)


def _plain(conv):
    return not conv.attrs.get("act") and len(conv.inputs) == 1
