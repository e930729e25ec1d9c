"""Lstm: junhyukoh's layer, written before BVLC's LSTM and not the same."""

import numpy as np

from ..errors import GraphError, ShapeError
from ._base import Layer, as_f32, count
from ._registry import register
from .lstm import lstm_unit


@register
class Lstm(Layer):
    """x (T N, ...) [, clip (T N)] -> h (T N, D): T steps of N = ``batch_size`` sequences, the steps one after another.

    Blobs: W_x (4D, I), W_h (4D, D), b (4D); gates and cell as in :class:`~scalpel_rt.layers.lstm.LSTM`, the order of
    the gates i, f, o, g too. clip is 0 where a sequence starts: there the state is dropped. With a clip the state lives
    on from one forward to the next; without one each forward starts anew. (``clipping_threshold`` is about gradients.)
    """

    type = "Lstm"
    origin = "junhyukoh's caffe-lstm"
    bottoms = (1, 2)
    stateful = True

    def parse(self, message):
        p = message.lstm_param
        self.num_output, self.batch_size = p.num_output, p.batch_size
        if min(self.num_output, self.batch_size) < 1:
            raise GraphError(f"lstm_param num_output {self.num_output} and batch_size {self.batch_size} must be "
                             "above 0")

    def shapes(self, bottoms):
        x = bottoms[0]
        if not x or x[0] % self.batch_size:
            raise ShapeError(f"the first dimension of {x} must be a multiple of batch_size {self.batch_size}")
        if len(bottoms) == 2 and (bottoms[1][:1] != x[:1] or count(bottoms[1], 1) != 1):
            raise ShapeError(f"the sequence {x} needs clip marks of shape ({x[0]},), not {bottoms[1]}")
        return [(x[0], self.num_output)]

    def param_shapes(self, bottoms):
        gates = 4 * self.num_output
        return [(gates, count(bottoms[0], 1)), (gates, self.num_output), (gates,)]

    def fillers(self):
        p = self.message.lstm_param
        return [p.weight_filler, p.weight_filler, p.bias_filler]

    def multiply_adds(self, bottoms, tops, params):
        return bottoms[0][0] * (count(params[0]) + count(params[1]))

    def initial_state(self):
        return {"hidden": [np.zeros((self.batch_size, self.num_output))] * 2}

    def forward(self, bottoms, params, state):
        x, n = bottoms[0].astype(np.float64), self.batch_size
        w_x, w_h, b = (p.astype(np.float64) for p in params)
        steps = x.shape[0] // n
        gates = (x.reshape(steps * n, count(x.shape, 1)) @ w_x.T + b).reshape(steps, n, 4 * self.num_output)
        if len(bottoms) == 2:
            goes_on = (bottoms[1].reshape(steps, n, 1) != 0).astype(np.float64)
            h, c = state["hidden"]
        else:
            goes_on = np.ones((steps, n, 1))
            goes_on[:1] = 0
            h = c = np.zeros((n, self.num_output))
        out = np.empty((steps, n, self.num_output))
        for t in range(steps):
            h, c = lstm_unit(c, gates[t] + np.where(goes_on[t], h, 0) @ w_h.T, goes_on[t])
            out[t] = h
        state["hidden"] = [h, c]
        return [as_f32(out.reshape(steps * n, self.num_output))]
