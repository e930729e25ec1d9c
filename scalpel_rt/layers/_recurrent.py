"""What LSTM and RNN share: Caffe's RecurrentLayer, which unrolls a sequence (T, N, ...) over time."""

import numpy as np

from ..errors import GraphError, ShapeError
from ._base import Layer, as_f32, count


class Recurrent(Layer):
    """x (T, N, ...), cont (T, N) [, x_static (N, ...)] [, hidden (1, N, D) ...] -> h (T, N, D) [, last hidden ...].

    cont says where a sequence goes on: 0 starts anew. The hidden blobs are bottoms and tops with ``expose_hidden``;
    without, they live on from one forward to the next, zeros at first (and when N has changed since). Only cont 0 in
    the first step forgets them.

    Here T may differ from one forward to the next; Caffe keeps that of set-up.

    Subclasses give ``hidden``, how many blobs go from step to step, and :meth:`run`.
    """

    bottoms = (2, None)
    tops = (1, None)
    stateful = True
    hidden = 1

    def parse(self, message):
        p = message.recurrent_param
        self.num_output, self.expose_hidden = p.num_output, p.expose_hidden
        if self.num_output < 1:
            raise GraphError("recurrent_param num_output must be above 0, not 0")
        exposed = self.hidden if self.expose_hidden else 0
        self.bottoms = (2 + exposed, 3 + exposed)
        self.tops = (1 + exposed, 1 + exposed)

    def has_static(self, bottoms):
        return len(bottoms) == self.bottoms[1]

    def shapes(self, bottoms):
        x, cont = bottoms[:2]
        if len(x) < 2:
            raise ShapeError(f"the sequence must have shape (T, N, ...), not {x}")
        if cont != x[:2]:
            raise ShapeError(f"the sequence {x} needs continuation marks of shape {x[:2]}, not {cont}")
        if self.has_static(bottoms) and bottoms[2][:1] != x[1:2]:
            raise ShapeError(f"the static input {bottoms[2]} must have the sequence's batch size first: {x[1]} of {x}")
        state = (1, x[1], self.num_output)
        for shape in bottoms[len(bottoms) - self.tops[0] + 1:] if self.expose_hidden else ():
            if shape != state:
                raise ShapeError(f"the initial hidden state must have shape {state}, not {shape}")
        return [(x[0], x[1], self.num_output)] + [state] * (self.tops[0] - 1)

    def multiply_adds(self, bottoms, tops, params):
        steps, batch = bottoms[1]
        static = count(params[2]) if self.has_static(bottoms) else 0    # used once a sequence, the others each step
        matrices = sum(count(p) for p in params if len(p) == 2)
        return steps * batch * (matrices - static) + batch * static

    def initial_state(self):
        return {"hidden": None}

    def forward(self, bottoms, params, state):
        x, cont = (b.astype(np.float64) for b in bottoms[:2])
        steps, batch = cont.shape
        if self.expose_hidden:
            hidden = [b[0].astype(np.float64) for b in bottoms[-self.hidden:]]
        else:
            hidden = state["hidden"]
            if hidden is None or hidden[0].shape[0] != batch:
                hidden = [np.zeros((batch, self.num_output))] * self.hidden
        x = x.reshape(steps * batch, count(x.shape, 2))
        static = None
        if self.has_static(bottoms):
            static = bottoms[2].astype(np.float64).reshape(batch, count(bottoms[2].shape, 1))
        out, hidden = self.run(x, cont, static, hidden, [p.astype(np.float64) for p in params])
        if not self.expose_hidden:
            state["hidden"] = hidden
        return [as_f32(out)] + [as_f32(h[None]) for h in hidden[:self.tops[0] - 1]]

    def run(self, x, cont, static, hidden, params):
        """All steps: x (T*N, I), cont (T, N), static (N, S) or None, hidden a list of (N, D); all float64.

        Returns the output (T, N, D) and the last hidden blobs.
        """
        raise NotImplementedError(f"{self.type}.run")

