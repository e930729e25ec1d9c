"""SpatialDropout: Dropout of whole channels, nothing at inference."""

from ._base import Layer
from ._registry import register


@register
class SpatialDropout(Layer):
    """A copy. (In training whole channels become 0; that is not done here, in a layer with ``phase: TRAIN`` either.)"""

    type = "SpatialDropout"
    origin = "ENet"
    in_place = True

    def forward(self, bottoms, params):
        return [bottoms[0]]

    def lower(self, build, bottoms, tops, params):
        build.op("view", bottoms, tops)
        return True
