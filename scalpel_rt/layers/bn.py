"""BN: two layers of that name, from before BVLC's BatchNorm and Scale."""

import numpy as np

from ..errors import GraphError, ShapeError
from ._affine import lower_affine
from ._base import Layer, as_f32
from ._registry import register

PSPNET = ("slope_filler", "bias_filler", "momentum", "eps", "frozen")
SEGNET = ("scale_filler", "shift_filler", "bn_mode")


@register
class BN(Layer):
    """x (N, C, ...) -> scale normalised(x) + shift along the channels. Which layer is meant the parameters tell:

    - PSPNet's (slope_filler, bias_filler, momentum, eps, frozen, or four ``param``): blobs slope, bias, mean, variance,
      each (1, C, 1, 1). In the TEST phase, or ``frozen``, y = slope (x - mean) / sqrt(variance + eps) + bias; in TRAIN
      the batch's own mean and variance.
    - SegNet's (scale_filler, shift_filler, bn_mode, or none): blobs scale, shift. With ``bn_mode: INFERENCE``
      y = scale x + shift, since the mean and variance were merged into them; LEARN, the default, takes the batch's own
      in the TEST phase too, and gives them as second and third top, (1, C, 1, 1), where those are named.
    """

    type = "BN"
    origin = "SegNet and PSPNet"
    tops = (1, 3)
    in_place = True

    def parse(self, message):
        p = message.bn_param
        pspnet = [field for field in PSPNET if p.HasField(field)]
        segnet = [field for field in SEGNET if p.HasField(field)]
        if pspnet and segnet:
            raise GraphError(f"bn_param mixes PSPNet's {', '.join(pspnet)} with SegNet's {', '.join(segnet)}")
        self.stored = bool(pspnet) or len(message.param) == 4
        if self.stored:
            self.eps, self.tops = p.eps, (1, 1)
            self.batch_statistics = self.phase == "TRAIN" and not p.frozen
        else:
            self.eps, self.batch_statistics = 1e-9, p.bn_mode == p.LEARN

    def shapes(self, bottoms):
        if not 2 <= len(bottoms[0]) <= 4:
            raise ShapeError(f"BN takes 2 to 4 axes, not shape {bottoms[0]}")
        statistics = (1, bottoms[0][1], 1, 1)
        return [tuple(bottoms[0]), statistics, statistics][:len(self.message.top)]

    def param_shapes(self, bottoms):
        return [(1, bottoms[0][1], 1, 1)] * (4 if self.stored else 2)

    def fillers(self):
        p = self.message.bn_param
        return [p.slope_filler, p.bias_filler, None, None] if self.stored else [p.scale_filler, p.shift_filler]

    def affine(self, params):
        """(scale, shift), float64 (C), where they do not depend on the data."""
        scale, shift, *statistics = (p.astype(np.float64).ravel() for p in params)
        if not self.stored:
            return scale, shift
        mean, variance = statistics
        scale = scale / np.sqrt(variance + self.eps)
        return scale, shift - mean * scale

    def forward(self, bottoms, params):
        x = bottoms[0].astype(np.float64)
        along = (1, -1) + (1,) * (x.ndim - 2)
        mean = variance = np.zeros(x.shape[1])
        if self.batch_statistics:
            axes = (0, *range(2, x.ndim))
            mean, variance = x.mean(axis=axes), x.var(axis=axes)
            scale, shift = (p.astype(np.float64).ravel() for p in params[:2])
            scale = scale / np.sqrt(variance + self.eps)
            shift = shift - mean * scale
        else:
            scale, shift = self.affine(params)
        statistics = [as_f32(v.reshape(1, -1, 1, 1)) for v in (mean, variance)]
        return [as_f32(x * scale.reshape(along) + shift.reshape(along)), *statistics][:len(self.message.top)]

    def lower(self, build, bottoms, tops, params):
        if self.batch_statistics or len(tops) > 1:
            return False
        scale, shift = self.affine(params)
        return lower_affine(build, bottoms[0], tops[0], 1, bottoms[0].shape[1:2], scale=scale, shift=shift)
