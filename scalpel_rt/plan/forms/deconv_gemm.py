"""Deconvolution as convolutions of stride 1, one for each phase of the outputs."""

import numpy as np

from ._base import SCALAR, Form, packed, register
from ._epilogue import conv_args
from ._panels import pack_even


@register
class DeconvGemm(Form):
    kind = "deconv"
    name = "gemm"

    def args(self, op, kernel):
        w, group = op.weights["w"], op.attrs["group"]
        panels = packed(w.size)
        if kernel.isa == "scalar":
            panels.reshape(w.shape)[...] = w
            return {**conv_args(op), "w": panels}
        w = w.reshape(group, -1, *w.shape[1:]).swapaxes(1, 2)        # group, m/group, c/group, kh, kw
        at = 0
        for rows, columns in _phases(op):
            for part in w[..., rows, :][..., columns]:
                size = part.size
                if size:
                    pack_even(part.reshape(len(part), -1), kernel.tile_m, panels[at : at + size])
                at += size
        return {**conv_args(op), "w": panels}

    def scratch(self, op, kernel):
        if kernel.isa == "scalar":
            return 0
        c = op.inputs[0].shape[1] // op.attrs["group"]
        return c * max(len(rows) * len(columns) for rows, columns in _phases(op)) * kernel.tile_n

    def cost(self, op, kernel, machine):
        n, _, h, w = op.inputs[0].shape
        return 2 * n * h * w * op.weights["w"].size, 4 * op.weights["w"].size, SCALAR if kernel.isa == "scalar" else 0.5


def _phases(op):
    """For each phase of the outputs its kernel rows and columns, from the last to the first."""
    a = op.attrs
    return [(rows, columns) for rows in _taps(a["kh"], a["sh"], a["dh"])
            for columns in _taps(a["kw"], a["sw"], a["dw"])]


def _taps(kernel, stride, dilation):
    places = np.arange(kernel)[::-1]
    return [places[places * dilation % stride == phase] for phase in range(stride)]
