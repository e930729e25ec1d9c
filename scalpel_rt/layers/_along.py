"""What Scale and Bias share: an operand that lies along some of the bottom's axes, learnt or a second bottom."""

import numpy as np

from ..errors import GraphError, ShapeError
from ._base import Layer, count


class Along(Layer):
    """A layer with an operand along axes ``axis`` .. ``axis + num_axes`` of its bottom (num_axes -1: to the end, 0: one
    number). A second bottom is the operand itself; its shape says how many axes it covers.
    """

    bottoms = (1, 2)
    in_place = True

    def read(self, param, default):
        """Take over axis, num_axes and filler; ``default`` is the value where no filler is given."""
        self.first_axis, self.num_axes = param.axis, param.num_axes
        self.filler = (param.filler if param.HasField("filler")
                       else type(param.filler)(type="constant", value=default))
        if self.num_axes < -1:
            raise GraphError(f"num_axes must be at least -1, not {self.num_axes}")

    def place(self, bottoms):
        """(first axis, shape of the operand) for the shapes of the bottoms; ShapeError when it does not fit."""
        shape = tuple(bottoms[0])
        if len(bottoms) == 2:
            operand = tuple(bottoms[1])
            axis = self.axis(self.first_axis, shape) if operand else 0
            if shape[axis:axis + len(operand)] != operand:
                raise ShapeError(f"the second bottom, shape {operand}, does not match the first, shape {shape}, "
                                 f"from axis {axis} on")
            return axis, operand
        axis = self.axis(self.first_axis, shape)
        stop = len(shape) if self.num_axes == -1 else axis + self.num_axes
        if stop > len(shape):
            raise ShapeError(f"num_axes {self.num_axes} from axis {axis} on goes past the bottom's shape {shape}")
        return (axis if self.num_axes else 0), shape[axis:stop]

    def shapes(self, bottoms):
        self.place(bottoms)
        return [tuple(bottoms[0])]


def spread(operand, shape, axis):
    """``operand`` as float64, with axes of size 1 around it, to be used with an array of ``shape``."""
    return operand.astype(np.float64).reshape((*[1] * axis, *operand.shape, *[1] * (len(shape) - axis - operand.ndim)))


def lower_broadcast(build, fn, x, operand, y, axis):
    """Emit y = x fn operand, both values, the operand along the axes of x from ``axis`` on."""
    flat = (count(x.shape, 0, axis), count(operand.shape), count(x.shape, axis + len(operand.shape)))
    y, done = build.into(y, flat)
    build.op("broadcast", [build.reshaped(x, flat), build.reshaped(operand, (1, flat[1]))], [y], fn=fn, s_outer=0)
    done()
