"""ReLU6: a rectifier that stops at 6."""

from ._elementwise import Elementwise
from ._registry import register


@register
class ReLU6(Elementwise):
    """min(max(x, 0), threshold), the threshold 6 unless ``relu6_param`` says otherwise."""

    type = "ReLU6"
    origin = "MobileNetV2"
    fn = "clip"

    def parse(self, message):
        self.p = (0.0, message.relu6_param.threshold)
