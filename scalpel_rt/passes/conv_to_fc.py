"""A convolution that looks at its whole input at once is a fully connected layer."""

from ..plan.spec import Op, Program, Value


def conv_to_fc(program):
    """conv with one output pixel and a kernel as large as the unpadded image becomes fc over the flattened image."""
    ops = []
    for op in program.ops:
        ops.extend(_fully_connected(op) if op.kind == "conv" and _whole(op) else [op])
    return Program(tuple(ops), program.inputs, program.outputs)


def _whole(conv):
    a = conv.attrs
    return (len(conv.inputs) == 1 and a["group"] == 1 and conv.outputs[0].shape[2:] == (1, 1)
            and conv.inputs[0].shape[2:] == (a["kh"], a["kw"]) and (a["ph"], a["pw"]) == (0, 0))


def _fully_connected(conv):
    [x], [y] = conv.inputs, conv.outputs
    n, m = y.shape[:2]
    flat, out = Value(f"{x.name}.flat", (n, x.size // max(n, 1))), Value(f"{y.name}.flat", (n, m))
    weights = {**conv.weights, "w": conv.weights["w"].reshape(m, -1)}
    return [Op("view", conv.name, (x,), (flat,)),
            Op("fc", conv.name, (flat,), (out,), {"act": conv.attrs.get("act")}, weights),
            Op("view", conv.name, (out,), (y,))]
