"""ArgMax: where the greatest numbers are."""

import numpy as np

from ..errors import GraphError, ShapeError
from ._base import Layer, as_f32, count
from ._registry import register


@register
class ArgMax(Layer):
    """The ``top_k`` greatest, in falling order; of equal numbers the one with the higher index comes first.

    Without ``axis`` each item is taken as flat: top (N, 1, top_k) holds indices, or (N, 2, top_k) with ``out_max_val``
    indices and values (with more axes of size 1 where the bottom has more than 3). With ``axis`` the top has the
    bottom's shape with top_k there, and holds indices, or with out_max_val values alone. NaN counts as the greatest.
    """

    type = "ArgMax"

    def parse(self, message):
        p = message.argmax_param
        self.out_max_val, self.top_k = p.out_max_val, p.top_k
        self.along = p.axis if p.HasField("axis") else None
        if self.top_k < 1:
            raise GraphError(f"top_k must be at least 1, not {self.top_k}")

    def shapes(self, bottoms):
        shape = tuple(bottoms[0])
        if self.along is None:
            self.axis(0, shape)
            size, top = count(shape, 1), [1] * max(3, len(shape))
            top[:3] = shape[0], 1 + self.out_max_val, self.top_k
        else:
            axis = self.axis(self.along, shape)
            size, top = shape[axis], [*shape[:axis], self.top_k, *shape[axis + 1:]]
        if self.top_k > size:
            raise ShapeError(f"top_k {self.top_k} of {size} numbers, bottom shape {shape}")
        return [tuple(top)]

    def forward(self, bottoms, params):
        x, top = bottoms[0], self.shapes([bottoms[0].shape])[0]
        axis = 1 if self.along is None else self.axis(self.along, x.shape)
        if self.along is None:
            x = x.reshape(x.shape[0], count(x.shape, 1))
        order = np.flip(np.argsort(x, axis, kind="stable"), axis)
        order = np.take(order, range(self.top_k), axis)
        if self.out_max_val:
            values = np.take_along_axis(x, order, axis)
            return [as_f32((np.stack([order, values], 1) if self.along is None else values).reshape(top))]
        return [as_f32(order.reshape(top))]

    def lower(self, build, bottoms, tops, params):
        shape = bottoms[0].shape
        if self.top_k > 1:
            return False
        axis = 1 if self.along is None else self.axis(self.along, shape)
        flat = (count(shape, 0, axis), count(shape, axis) if self.along is None else shape[axis],
                1 if self.along is None else count(shape, axis + 1))
        x, size = build.reshaped(bottoms[0], flat), flat[::2]
        if self.along is None and self.out_max_val:
            found = [build.temp(size), build.temp(size)]
            for fn, value in zip(("argmax", "max"), found, strict=True):
                build.op("reduce", [x], [value], fn=fn, coeff=1.0)
            return build.copy(found, tops[0], [{"input": i, "shape": (size[0],), "x_strides": (1,), "y_strides": (2,),
                                                "y_offset": i} for i in range(2)])
        y, done = build.into(tops[0], size)
        build.op("reduce", [x], [y], fn="max" if self.out_max_val else "argmax", coeff=1.0)
        done()
        return True
