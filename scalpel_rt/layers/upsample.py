"""Upsample: two layers of that name, SegNet's unpooling by a mask and the YOLO ports' repetition of pixels."""

import numpy as np

from ..errors import GraphError, ShapeError
from ._base import Layer, as_f32, count
from ._index import to_index
from ._registry import register
from ._strides import strides


@register
class Upsample(Layer):
    """With one bottom, x (N, C, H, W) -> (N, C, H s, W s): each pixel ``scale`` times along both axes.

    With a second one, the mask that a max pooling gave (N, C, H, W) -> (N, C, OH, OW): x at the places h * OW + w that
    the mask names, zeros elsewhere; a place named twice holds the last. The size is ``upsample_h`` and ``upsample_w``,
    or ``scale`` (``scale_h``, ``scale_w``) times the bottom's, less one with ``pad_out_h`` or ``pad_out_w``.
    """

    type = "Upsample"
    origin = "SegNet and the YOLO ports"
    bottoms = (1, 2)

    def parse(self, message):
        p = message.upsample_param
        if p.HasField("scale_h") != p.HasField("scale_w") or p.HasField("scale") and p.HasField("scale_h"):
            raise GraphError("upsample_param needs scale, or scale_h and scale_w")
        self.scales = (p.scale_h, p.scale_w) if p.HasField("scale_h") else (p.scale,) * 2
        if min(self.scales) < 1:
            raise GraphError(f"upsample_param scale must be at least 1, not {self.scales}")
        self.size = (p.upsample_h, p.upsample_w) if p.HasField("upsample_h") and p.HasField("upsample_w") else None
        self.less = int(p.pad_out_h), int(p.pad_out_w)
        for less, scale in zip(self.less, self.scales, strict=True):
            if less and scale != 2:
                raise GraphError(f"upsample_param pad_out_h and pad_out_w go with a scale of 2, not {scale}")

    def shapes(self, bottoms):
        x = bottoms[0]
        if len(x) != 4:
            raise ShapeError(f"Upsample takes a bottom of shape (N, C, H, W), not {x}")
        if len(bottoms) == 2 and bottoms[1] != x:
            raise ShapeError(f"the mask {bottoms[1]} must have the shape of the bottom {x}")
        if len(bottoms) == 2 and self.size:
            return [(*x[:2], *self.size)]
        less = self.less if len(bottoms) == 2 else (0, 0)
        return [(*x[:2], *(n * scale - k for n, scale, k in zip(x[2:], self.scales, less, strict=True)))]

    def forward(self, bottoms, params):
        x = bottoms[0]
        if len(bottoms) == 1:
            return [as_f32(x.repeat(self.scales[0], axis=2).repeat(self.scales[1], axis=3))]
        return [scatter(x, bottoms[1], self.shapes([b.shape for b in bottoms])[0][2:])]

    def lower(self, build, bottoms, tops, params):
        if len(bottoms) == 2:
            return lower_scatter(build, *bottoms, tops[0])
        (x,), (y,) = bottoms, tops
        n, c, h, w = x.shape
        shape = (n * c, h, self.scales[0], w, self.scales[1])
        return build.copy([x], y, [{"shape": shape, "x_strides": (h * w, w, 0, 1, 0), "y_strides": strides(shape)}])


def lower_scatter(build, x, mask, y):
    """:func:`scatter` as an operation, where the mask is that of a max pooling of planes no larger than those of y.

    Masks from elsewhere may name places that y does not have, which is for :func:`scatter` to see. (Of the poolings'
    own, -1 is none: a window of NaN alone. The operation leaves it out.)
    """
    source = mask
    for op in reversed(build.ops):
        if source in op.outputs and op.kind == "view":
            source = op.inputs[0]
        elif source in op.outputs:
            if op.kind != "pool" or count(op.inputs[0].shape, 2) > count(y.shape, 2):
                return False
            planes = count(x.shape, 0, 2)
            out, done = build.into(y, (planes, count(y.shape, 2)))
            build.op("scatter", [build.reshaped(v, (planes, count(x.shape, 2))) for v in (x, mask)], [out])
            done()
            return True
    return False


def scatter(x, mask, size):
    """x (N, C, H, W) put at the places h * W' + w of ``mask`` in planes of zeros of ``size`` (H', W'); -1: nowhere."""
    flat = x.shape[0] * x.shape[1], x.shape[2] * x.shape[3]
    held = (mask != -1).reshape(flat)       # -1: a window of a max pooling that lay beside the image
    places = to_index(np.where(mask == -1, 0, mask), size[0] * size[1], "mask value",
                      f"places in the {size[0]} x {size[1]} top").reshape(flat)
    y = np.zeros((flat[0], size[0] * size[1]), np.float32)
    y[np.nonzero(held)[0], places[held]] = x.reshape(flat)[held]
    return y.reshape(*x.shape[:2], *size)
