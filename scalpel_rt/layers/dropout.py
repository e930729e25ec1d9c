"""Dropout: nothing at inference, random zeros in training."""

import numpy as np

from ..errors import GraphError
from ._base import Layer, as_f32
from ._registry import register


@register
class Dropout(Layer):
    """A copy in phase TEST. A layer that says ``phase: TRAIN`` itself drops at random even in a TEST net, as in Caffe:
    each element is 0 with probability ``dropout_ratio``, else divided by 1 - dropout_ratio.

    So does SegNet's ``sample_weights_test``. The state is the random generator.
    """

    type = "Dropout"
    in_place = True

    def parse(self, message):
        p = message.dropout_param
        self.ratio = p.dropout_ratio
        self.stateful = self.phase == "TRAIN" or getattr(p, "sample_weights_test", False)
        if self.stateful and not 0 <= self.ratio < 1:
            raise GraphError(f"dropout_ratio must be at least 0 and less than 1, not {self.ratio:g}")

    def initial_state(self):
        return np.random.default_rng(0)

    def forward(self, bottoms, params, state=None):
        x = bottoms[0]
        if not self.stateful:
            return [x]
        keep = state.random(x.shape) >= self.ratio
        return [as_f32(np.where(keep, x / (1 - self.ratio), x * 0.0))]

    def lower(self, build, bottoms, tops, params):
        if self.stateful:
            return False
        build.op("view", bottoms, tops)
        return True
