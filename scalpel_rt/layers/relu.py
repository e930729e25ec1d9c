"""ReLU: the rectified linear unit."""

from ._elementwise import Elementwise
from ._registry import register


@register
class ReLU(Elementwise):
    """max(x, 0) + negative_slope * min(x, 0). As in Caffe -inf becomes NaN where the slope is 0 (0 * -inf)."""

    type = "ReLU"
    fn = "relu"

    def parse(self, message):
        self.p = (message.relu_param.negative_slope,)
