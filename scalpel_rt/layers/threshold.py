"""Threshold: 1 where x is greater than the threshold."""

from ._elementwise import Elementwise
from ._registry import register


@register
class Threshold(Elementwise):
    """1 where x > threshold, else 0 (NaN gives 0)."""

    type = "Threshold"
    fn = "threshold"

    def parse(self, message):
        self.p = (message.threshold_param.threshold,)
