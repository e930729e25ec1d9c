"""The kinds without a matrix: what their one kernel family, "plain", is given, and what it costs."""

from scalpel_rt.runtime import _kernels

from ._base import Form, register
from ._epilogue import epilogue_args

_FN = _kernels.functions()


class Plain(Form):
    """No weights to pack: the arguments come straight from the operation's attributes."""

    name = "plain"
    flops = 1           # for each element of the output, as if it were arithmetic

    def args(self, op, kernel):
        return self.numbers(op)

    def numbers(self, op):
        """The INT, FLT and WGT fields of an operation."""
        raise NotImplementedError

    def cost(self, op, kernel, machine):
        moved = sum(v.size for v in (*op.inputs, *op.outputs))
        return self.flops * op.outputs[0].size, 4 * moved, 0.25


@register
class Pool(Plain):
    kind = "pool"

    def numbers(self, op):
        (n, c, h, w), (oh, ow) = op.inputs[0].shape, op.outputs[0].shape[2:]
        return {"n": n, "c": c, "h": h, "wd": w, "oh": oh, "ow": ow, "ave": int(op.attrs["method"] == "ave"),
                **{name: op.attrs[name] for name in ("kh", "kw", "sh", "sw", "ph", "pw")}}

    def cost(self, op, kernel, machine):
        _, moved, efficiency = super().cost(op, kernel, machine)
        return op.outputs[0].size * op.attrs["kh"] * op.attrs["kw"], moved, efficiency


@register
class Lrn(Plain):
    kind = "lrn"
    flops = 24

    def numbers(self, op):
        n, c, h, w = op.inputs[0].shape
        return {"n": n, "c": c, "h": h, "wd": w, "within": int(op.attrs["region"] == "within"),
                **{name: op.attrs[name] for name in ("size", "alpha", "beta", "k")}}

    def scratch(self, op, kernel):
        """Within a channel the vector kernels keep a row of sums, with zeros on both sides."""
        return op.inputs[0].shape[3] + op.attrs["size"] if op.attrs["region"] == "within" else 0


@register
class Softmax(Plain):
    kind = "softmax"
    flops = 24

    def numbers(self, op):
        outer, c, inner = op.inputs[0].shape
        return {"outer": outer, "c": c, "inner": inner}


@register
class Unary(Plain):
    kind = "unary"

    def numbers(self, op):
        numbers = {p: float(op.attrs.get(p, 0.0)) for p in ("p0", "p1", "p2")}
        return {"count": op.outputs[0].size, "fn": _FN[op.attrs["fn"]], **numbers}

    def cost(self, op, kernel, machine):
        _, moved, efficiency = super().cost(op, kernel, machine)
        cheap = op.attrs["fn"] in ("relu", "abs", "clip", "threshold", "hswish")
        return op.outputs[0].size * (1 if cheap else 24), moved, efficiency


@register
class Affine(Plain):
    kind = "affine"

    def numbers(self, op):
        outer, c, inner = op.inputs[0].shape
        weights = {name: op.weights[name] for name in ("scale", "shift") if name in op.weights}
        return {"outer": outer, "c": c, "inner": inner, **weights, **epilogue_args(op)}


@register
class Eltwise(Plain):
    kind = "eltwise"
    inputs = ("a", "b")

    def numbers(self, op):
        shape = op.outputs[0].shape
        c = shape[1] if len(shape) > 1 else 1
        count = op.outputs[0].size
        outer = shape[0] if shape else 1
        return {"count": count, "c": c, "inner": count // max(1, outer * c), "fn": _FN[op.attrs["fn"]],
                "ca": float(op.attrs.get("ca", 1.0)), "cb": float(op.attrs.get("cb", 1.0)), **epilogue_args(op)}


@register
class Broadcast(Plain):
    kind = "broadcast"
    inputs = ("x", "s")

    def numbers(self, op):
        outer, c, inner = op.inputs[0].shape
        return {"outer": outer, "c": c, "inner": inner, "s_outer": op.attrs["s_outer"], "fn": _FN[op.attrs["fn"]]}


@register
class Copy(Plain):
    """One part of a copy: the plan makes an operation of each (see scalpel_rt/plan/memory.py)."""

    kind = "copy"

    def numbers(self, op):
        [part] = op.attrs["parts"]
        numbers = {"x_offset": part["x_offset"], "y_offset": part["y_offset"]}
        for field, name, least in (("d", "dims", 1), ("xs", "x_strides", 0), ("ys", "y_strides", 0)):
            full = (least,) * (6 - len(part[name])) + tuple(part[name])
            numbers.update({f"{field}{i}": number for i, number in enumerate(full)})
        return numbers

    def cost(self, op, kernel, machine):
        [part] = op.attrs["parts"]
        count = 1
        for d in part["dims"]:
            count *= d
        return 2 * count, 8 * count, 0.25


@register
class Fill(Plain):
    kind = "fill"

    def numbers(self, op):
        return {"count": op.outputs[0].size, "value": op.weights["value"]}


@register
class Reduce(Plain):
    kind = "reduce"

    def numbers(self, op):
        outer, c, inner = op.inputs[0].shape
        return {"outer": outer, "c": c, "inner": inner, "fn": _FN[op.attrs["fn"]],
                "coeff": float(op.attrs.get("coeff", 1.0))}

    def cost(self, op, kernel, machine):
        _, moved, efficiency = super().cost(op, kernel, machine)
        return 4 * op.inputs[0].size, moved, efficiency


@register
class Mvn(Plain):
    kind = "mvn"
    flops = 6

    def numbers(self, op):
        rows, k = op.inputs[0].shape
        return {"rows": rows, "k": k, **op.attrs}


@register
class Norm(Plain):
    kind = "norm"
    flops = 4

    def numbers(self, op):
        outer, c, inner = op.inputs[0].shape
        return {"outer": outer, "c": c, "inner": inner, **op.weights, **op.attrs}


@register
class Interp(Plain):
    kind = "interp"
    flops = 3

    def numbers(self, op):
        (planes, h, w), (oh, ow) = op.inputs[0].shape, op.outputs[0].shape[1:]
        return {"planes": planes, "h": h, "wd": w, "oh": oh, "ow": ow, **op.weights}

    def scratch(self, op, kernel):
        """Two rows of the image at the width of the output; the scalar kernel needs none."""
        return 0 if kernel.isa == "scalar" else 2 * op.outputs[0].shape[2]


@register
class Scatter(Plain):
    kind = "scatter"
    inputs = ("x", "mask")

    def numbers(self, op):
        planes, count = op.inputs[0].shape
        return {"planes": planes, "count": count, "size": op.outputs[0].shape[1]}
