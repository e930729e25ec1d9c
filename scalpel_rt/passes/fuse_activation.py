"""An activation is done while the sums that it follows are still in registers."""

from ._pairs import channels_agree, fuse_pairs

PRODUCERS = ("conv", "deconv", "fc", "affine", "eltwise")


def fuse_activation(program):
    """relu, clip and prelu after a conv, deconv, fc, affine or eltwise become its epilogue."""
    return fuse_pairs(program, _fuse)


def _fuse(producer, reader):
    if producer.kind not in PRODUCERS or producer.attrs.get("act"):
        return None
    weights = producer.weights
    if reader.kind == "unary" and reader.attrs["fn"] == "relu":
        act = ("relu", float(reader.attrs.get("p0", 0.0)), 0.0)
    elif reader.kind == "unary" and reader.attrs["fn"] == "clip":
        act = ("clip", float(reader.attrs["p0"]), float(reader.attrs["p1"]))
    elif reader.kind == "affine" and reader.attrs.get("act") and not {"scale", "shift"} & set(reader.weights):
        act = reader.attrs["act"]  # a PReLU on its own
        if act[0] == "prelu":
            if not channels_agree(producer.outputs[0], reader.inputs[0]):
                return None
            weights = {**weights, "slope": reader.weights["slope"]}
    else:
        return None
    return producer.with_(attrs={**producer.attrs, "act": act}, weights=weights)
