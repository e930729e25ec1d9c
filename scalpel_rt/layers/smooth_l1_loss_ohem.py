"""SmoothL1LossOHEM: SmoothL1Loss that also tells the loss of each region (R-FCN)."""

from ..errors import ShapeError
from ._base import as_f32, count
from ._loss import Loss, Normalizer, scalar
from ._registry import register
from .smooth_l1_loss import smooth_l1


@register
class SmoothL1LossOHEM(Loss):
    """Predictions, targets [, weights] (N, C, H, W) -> loss () [, the sum over the channels (N, 1, H, W)]."""

    type = "SmoothL1LossOHEM"
    origin = "R-FCN"
    bottoms = (2, 3)
    tops = (1, 2)

    def parse(self, message):
        self.normalizer = Normalizer(message.loss_param)

    def shapes(self, bottoms):
        super().shapes(bottoms)
        for other in bottoms:
            if other != bottoms[0] or not 2 <= len(other) <= 4:
                raise ShapeError(f"all bottoms must have one shape (N, C), (N, C, H) or (N, C, H, W), not {bottoms[0]} "
                                 f"and {other}")
        n, _, h, w = (*bottoms[0], 1, 1)[:4]
        return [(), (n, 1, h, w)][:max(1, len(self.message.top))]

    def forward(self, bottoms, params):
        errors = smooth_l1(bottoms)
        n, inner = errors.shape[0], count(errors.shape, 2)
        each = errors.sum(axis=1).reshape(n, 1, *(*errors.shape[2:], 1, 1)[:2])
        return [scalar(errors.sum() / self.normalizer(n, inner, n * inner)),
                as_f32(each)][:max(1, len(self.message.top))]
