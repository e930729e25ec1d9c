"""Is a Program what plan/spec.py says? Run after lowering and after every pass."""

import numpy as np

from .spec import KINDS, MAX_COPY_DIMS, REDUCE, UNARY

ACTIVATIONS = {"relu": 3, "clip": 3, "prelu": 1}  # name -> length of the tuple


class ProgramError(ValueError):
    """A Program that breaks its own rules: a mistake in a layer's ``lower`` or in a pass, not in the user's net."""


#: the weights that are not numbers to count with, but places
PLACES = ("y_low", "y_high", "x_low", "x_high")


def verify_program(program):
    """Raise ProgramError, naming the operation, unless values are written once and before they are read, no operation
    reads what it writes, shapes and weights agree with the kinds, and all outputs are there. Returns the program."""
    known = set()
    for value in program.inputs:
        _shape(value, "an input")
        _require(value not in known, f"{value} is an input twice")
        known.add(value)
    for op in program.ops:
        try:
            _check(op, known)
        except ProgramError as error:
            raise ProgramError(f"{op.kind} of {op.name!r}: {error}") from None
        known.update(op.outputs)
    for value in program.outputs:
        _require(value in known, f"the output {value} is never written")
    return program


def _require(condition, message):
    if not condition:
        raise ProgramError(message)


def _shape(value, what):
    if not (isinstance(value.shape, tuple) and all(type(d) is int and d >= 0 for d in value.shape)):
        raise ProgramError(f"{what} {value.name!r} has the shape {value.shape!r}")


def _check(op, known):
    _require(op.kind in KINDS, "no such kind")
    for value in op.inputs:
        if value not in known:
            raise ProgramError(f"{value} is read before it is written")
    for value in op.outputs:
        _shape(value, "the output")
        if value in known:
            raise ProgramError(f"{value} is written twice")
    _require(len(set(op.outputs)) == len(op.outputs), "two outputs are one value")
    for name, array in op.weights.items():
        kind = np.int32 if name in PLACES else np.float32
        _require(isinstance(array, np.ndarray) and array.dtype == kind, f"weight {name} is no array of {kind.__name__}")
    _checks[op.kind](op)
    if "act" in op.attrs:
        _check_act(op)


def _counts(op, inputs, outputs):
    for what, got, allowed in (("inputs", op.inputs, inputs), ("outputs", op.outputs, outputs)):
        _require(len(got) in allowed, f"{len(got)} {what}")


def _rank(op, *ranks):
    for value, rank in zip(op.inputs + op.outputs, ranks, strict=False):
        _require(len(value.shape) == rank, f"{value} should have {rank} axes")


def _weights(op, needed, optional=None):
    """The weights have exactly these shapes: {name: shape}."""
    allowed = {**needed, **(optional or {})}
    for name in needed:
        _require(name in op.weights, f"no weight {name}")
    for name, array in op.weights.items():
        if name == "slope" and op.attrs.get("act"):
            continue
        _require(name in allowed, f"an unknown weight {name}")
        _require(array.shape == allowed[name], f"weight {name} has the shape {array.shape}, not {allowed[name]}")


def _ints(op, names, least):
    for name in names.split():
        got = op.attrs.get(name)
        if not isinstance(got, (int, np.integer)) or got < least:
            raise ProgramError(f"{name} = {got!r}")


def _check_act(op):
    act = op.attrs["act"]
    if act is None:
        return
    _require(op.kind in ("conv", "deconv", "fc", "affine", "eltwise"), "an epilogue")
    _require(isinstance(act, tuple) and ACTIVATIONS.get(act[0]) == len(act), f"the epilogue {act!r}")
    if act[0] == "prelu":
        y = op.outputs[0]
        _require("slope" in op.weights and op.weights["slope"].shape == (y.shape[1],), "the slope of a prelu")


def _same(op, a, b):
    if a.shape != b.shape:
        raise ProgramError(f"{a} and {b} differ")


def _conv(op):
    _counts(op, (1, 2) if op.kind == "conv" else (1,), (1,))
    _ints(op, "kh kw sh sw dh dw group", 1)
    _ints(op, "ph pw", 0)
    x, y = op.inputs[0], op.outputs[0]
    _require(len(x.shape) == len(y.shape) == 4, "x and y need 4 axes")
    _require(x.shape[0] == y.shape[0], f"{x} and {y} differ in N")
    (_, c, *size), (_, m, *out), a = x.shape, y.shape, op.attrs
    _require(c % a["group"] == 0 and m % a["group"] == 0, f"{c} and {m} channels in {a['group']} groups")
    if op.kind == "conv":
        w = (m, c // a["group"], a["kh"], a["kw"])
        small, large = out, size
        if len(op.inputs) == 2:
            _same(op, op.inputs[1], y)
    else:
        w = (c, m // a["group"], a["kh"], a["kw"])
        small, large = size, out
    for axis, (few, many) in zip("hw", zip(small, large, strict=True), strict=True):
        reach = (few - 1) * a["s" + axis] + (a["k" + axis] - 1) * a["d" + axis] + 1
        room = many + 2 * a["p" + axis]
        _require(reach <= room, f"the kernel reaches over {reach} of {room} in {axis}")
    _weights(op, {"w": w}, {"b": (m,)})


def _fc(op):
    _counts(op, (1,), (1,))
    _rank(op, 2, 2)
    x, y = op.inputs[0], op.outputs[0]
    _require(x.shape[0] == y.shape[0], f"{x} and {y} differ in B")
    _weights(op, {"w": (y.shape[1], x.shape[1])}, {"b": (y.shape[1],)})


def _pool(op):
    _counts(op, (1,), (1, 2))
    _rank(op, 4, 4, 4)
    x, y = op.inputs[0], op.outputs[0]
    _require(op.attrs.get("method") in ("max", "ave"), f"method {op.attrs.get('method')!r}")
    _require(x.shape[:2] == y.shape[:2], f"{x} and {y} differ in N or C")
    _ints(op, "kh kw sh sw", 1)
    _ints(op, "ph pw", 0)
    if len(op.outputs) == 2:
        _same(op, y, op.outputs[1])
        _require(op.attrs["method"] == "max", "a mask of averages")
    _weights(op, {})


def _lrn(op):
    _counts(op, (1,), (1,))
    _rank(op, 4, 4)
    _same(op, op.inputs[0], op.outputs[0])
    _require(op.attrs.get("region") in ("across", "within"), f"region {op.attrs.get('region')!r}")
    _ints(op, "size", 1)
    _weights(op, {})


def _softmax(op):
    _counts(op, (1,), (1,))
    _rank(op, 3, 3)
    _same(op, op.inputs[0], op.outputs[0])
    _weights(op, {})


def _unary(op):
    _counts(op, (1,), (1,))
    _same(op, op.inputs[0], op.outputs[0])
    _require(op.attrs.get("fn") in UNARY, f"fn {op.attrs.get('fn')!r}")
    _weights(op, {})


def _affine(op):
    _counts(op, (1,), (1,))
    _rank(op, 3, 3)
    _same(op, op.inputs[0], op.outputs[0])
    c = op.inputs[0].shape[1:2]
    _weights(op, {}, {"scale": c, "shift": c})


def _eltwise(op):
    _counts(op, (2,), (1,))
    _same(op, op.inputs[0], op.outputs[0])
    _same(op, op.inputs[1], op.outputs[0])
    _require(op.attrs.get("fn") in ("sum", "prod", "max"), f"fn {op.attrs.get('fn')!r}")
    _weights(op, {})


def _broadcast(op):
    _counts(op, (2,), (1,))
    _rank(op, 3, 2, 3)
    (x, s), y = op.inputs, op.outputs[0]
    _same(op, x, y)
    _require(op.attrs.get("fn") in ("mul", "add"), f"fn {op.attrs.get('fn')!r}")
    _require(op.attrs.get("s_outer") in (0, 1), f"s_outer {op.attrs.get('s_outer')!r}")
    want = (x.shape[0] if op.attrs["s_outer"] else 1, x.shape[1])
    _require(s.shape == want, f"{s} should be {want}")
    _weights(op, {})


def _copy(op):
    _require(op.inputs, "no inputs")
    _counts(op, range(1, 1 << 30), (1,))
    y, written = op.outputs[0], 0
    for part in op.attrs["parts"]:
        _require(0 <= part["input"] < len(op.inputs), f"a part of input {part['input']}")
        dims = part["dims"]
        _require(1 <= len(dims) <= MAX_COPY_DIMS, f"{len(dims)} dims")
        if 0 in dims:
            continue
        for value, side in ((op.inputs[part["input"]], "x"), (y, "y")):
            strides, start = part[side + "_strides"], part[side + "_offset"]
            _require(len(strides) == len(dims), f"{len(dims)} dims and {len(strides)} strides")
            steps = [(d - 1) * s for d, s in zip(dims, strides, strict=True)]
            low, high = start + sum(s for s in steps if s < 0), start + sum(s for s in steps if s > 0)
            _require(0 <= low and high < value.size, f"a part from {low} to {high} of {value}")
        written += int(np.prod(dims, dtype=np.int64))
    _require(written == y.size, f"the parts write {written} of the {y.size} elements of {y}")
    _weights(op, {})


def _reduce(op):
    _counts(op, (1,), (1,))
    _rank(op, 3, 2)
    x, y = op.inputs[0], op.outputs[0]
    _require(y.shape == x.shape[::2], f"{y} should be {x.shape[::2]}")
    _require(op.attrs.get("fn") in REDUCE, f"fn {op.attrs.get('fn')!r}")
    _require(x.shape[1] > 0 or "max" not in op.attrs["fn"], f"the greatest of {x}")
    _weights(op, {})


def _mvn(op):
    _counts(op, (1,), (1,))
    _rank(op, 2, 2)
    _same(op, op.inputs[0], op.outputs[0])
    _require(op.attrs.get("variance") in (0, 1), f"variance {op.attrs.get('variance')!r}")
    _weights(op, {})


def _norm(op):
    _counts(op, (1,), (1,))
    _rank(op, 3, 3)
    _same(op, op.inputs[0], op.outputs[0])
    _require(op.attrs.get("guard") in (0, 1), f"guard {op.attrs.get('guard')!r}")
    _weights(op, {}, {"scale": op.inputs[0].shape[1:2]})


def _interp(op):
    _counts(op, (1,), (1,))
    _rank(op, 3, 3)
    x, y = op.inputs[0], op.outputs[0]
    _require(x.shape[0] == y.shape[0], f"{x} and {y} differ in P")
    _weights(op, {f"{axis}_{name}": (size,) for axis, size in zip("yx", y.shape[1:], strict=True)
                  for name in ("low", "high", "part")})
    for axis, pixels in zip("yx", x.shape[1:], strict=True):
        for name in (axis + "_low", axis + "_high"):
            table = op.weights[name]
            _require(not table.size or 0 <= table.min() and table.max() < pixels, f"{name} beyond the {pixels} pixels")


def _scatter(op):
    _counts(op, (2,), (1,))
    _rank(op, 2, 2, 2)
    (x, mask), y = op.inputs, op.outputs[0]
    _same(op, x, mask)
    _require(x.shape[0] == y.shape[0], f"{x} and {y} differ in P")
    _weights(op, {})


def _view(op):
    _counts(op, (1,), (1,))
    x, y = op.inputs[0], op.outputs[0]
    _require(x.size == y.size, f"{x} and {y} differ in count")
    _weights(op, {})


def _fill(op):
    _counts(op, (0,), (1,))
    _weights(op, {"value": op.outputs[0].shape})


_checks = {"conv": _conv, "deconv": _conv, "fc": _fc, "pool": _pool, "lrn": _lrn, "softmax": _softmax,
           "unary": _unary, "affine": _affine, "eltwise": _eltwise, "broadcast": _broadcast, "copy": _copy,
           "view": _view, "fill": _fill, "reduce": _reduce, "mvn": _mvn, "norm": _norm, "interp": _interp,
           "scatter": _scatter}
