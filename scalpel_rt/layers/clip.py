"""Clip: limits on both sides."""

from ._elementwise import Elementwise
from ._registry import register


@register
class Clip(Elementwise):
    """max(min, min(x, max)); NaN becomes min. Without a ``clip_param`` both limits are 0, as in Caffe."""

    type = "Clip"
    fn = "clip"

    def parse(self, message):
        self.p = (message.clip_param.min, message.clip_param.max)
