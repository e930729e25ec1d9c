"""What every form of conv and fc hands to its kernel, whatever its weights look like."""

import numpy as np

#: numbers of enum scl_act
ACT = {"relu": 1, "clip": 2, "prelu": 3}


def epilogue_args(op):
    """bias, slope, act, p0, p1 of an operation with an epilogue."""
    act = op.attrs.get("act") or (None,)
    args = {"act": ACT[act[0]] if act[0] else 0}
    if len(act) > 1:
        args["p0"], args["p1"] = float(act[1]), float(act[2])
    for field, weight in (("bias", "b"), ("slope", "slope")):
        if op.weights.get(weight) is not None:
            args[field] = np.ascontiguousarray(op.weights[weight], np.float32).reshape(-1)
    return args


def conv_args(op):
    """The fields of a conv step but its packed weights; images follow each other without gaps."""
    n, c, h, w = op.inputs[0].shape
    m, oh, ow = op.outputs[0].shape[1:]
    numbers = {key: op.attrs[key] for key in ("kh", "kw", "sh", "sw", "ph", "pw", "dh", "dw", "group")}
    return {**numbers, "n": n, "c": c, "h": h, "wd": w, "m": m, "oh": oh, "ow": ow, "x_stride": c * h * w,
            "y_stride": m * oh * ow, "add_stride": m * oh * ow, **epilogue_args(op)}


def fc_args(op):
    """The fields of an fc step but its packed weights."""
    (n, k), m = op.inputs[0].shape, op.outputs[0].shape[1]
    return {"n": n, "m": m, "k": k, **epilogue_args(op)}
