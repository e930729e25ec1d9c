"""RNN: Caffe's plain recurrent layer (Elman, 1990)."""

import numpy as np

from ._base import count
from ._recurrent import Recurrent
from ._registry import register


@register
class RNN(Recurrent):
    """See :class:`Recurrent`; the hidden blob is h, the output o has its own weights and a tanh.

    Blobs: W_xh (D, I), b_h (D) [, W_xh_static (D, S)], W_hh (D, D), W_ho (D, D), b_o (D)::

        h = tanh(W_xh x + b_h + W_xh_static s + W_hh (cont h));  o = tanh(W_ho h + b_o)
    """

    type = "RNN"

    def param_shapes(self, bottoms):
        d = self.num_output
        static = [(d, count(bottoms[2], 1))] if self.has_static(bottoms) else []
        return [(d, count(bottoms[0], 2)), (d,), *static, (d, d), (d, d), (d,)]

    def fillers(self):
        p = self.message.recurrent_param
        static = [p.weight_filler] if self.has_static(self.message.bottom) else []
        return [p.weight_filler, p.bias_filler, *static, p.weight_filler, p.weight_filler, p.bias_filler]

    def run(self, x, cont, static, hidden, params):
        steps, batch = cont.shape
        w_hh, w_ho, b_o = params[-3:]
        inputs = (x @ params[0].T + params[1]).reshape(steps, batch, self.num_output)
        if static is not None:
            inputs = inputs + static @ params[2].T
        h, = hidden
        states = np.empty((steps, batch, self.num_output))
        for t in range(steps):
            h = np.tanh(inputs[t] + (h * cont[t][:, None]) @ w_hh.T)
            states[t] = h
        return np.tanh(states @ w_ho.T + b_o), [h]
