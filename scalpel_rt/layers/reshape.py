"""Reshape: the same numbers under another shape."""

from ..errors import GraphError, ShapeError
from ._base import Layer, count
from ._registry import register


@register
class Reshape(Layer):
    """Axes from ``axis`` on, ``num_axes`` of them (-1: all), are replaced by ``shape``, in which 0 copies the bottom's
    size at that place and one -1 is worked out. A negative axis counts from behind the last one: -1 appends.
    """

    type = "Reshape"

    def parse(self, message):
        p = message.reshape_param
        self.dims, self.first, self.num_axes = tuple(p.shape.dim), p.axis, p.num_axes
        if any(d < -1 for d in self.dims) or self.dims.count(-1) > 1:
            raise GraphError(f"shape {self.dims} may hold one -1 and no other negative number")
        if self.num_axes < -1:
            raise GraphError(f"num_axes must be at least -1, not {self.num_axes}")

    def shapes(self, bottoms):
        shape = tuple(bottoms[0])
        start = self.first if self.first >= 0 else len(shape) + self.first + 1
        stop = len(shape) if self.num_axes == -1 else start + self.num_axes
        if not 0 <= start <= stop <= len(shape):
            raise ShapeError(f"axis {self.first} with num_axes {self.num_axes} is out of range for a bottom of "
                             f"{len(shape)} axes, shape {shape}")
        dims = list(self.dims)
        for i, d in enumerate(dims):
            if d == 0:
                if start + i >= len(shape):
                    raise ShapeError(f"0 in place {i} of {self.dims} copies axis {start + i}, which the bottom, "
                                     f"shape {shape}, does not have")
                dims[i] = shape[start + i]
        top = [*shape[:start], *dims, *shape[stop:]]
        if -1 in dims:
            known = count([d for d in top if d != -1])
            if known == 0 or count(shape) % known:
                raise ShapeError(f"the bottom, shape {shape}, {count(shape)} elements, does not fill {tuple(top)}")
            top[start + dims.index(-1)] = count(shape) // known
        elif count(top) != count(shape):
            raise ShapeError(f"the bottom, shape {shape}, has {count(shape)} elements, the shape asked for, "
                             f"{tuple(top)}, has {count(top)}")
        return [tuple(top)]

    def forward(self, bottoms, params):
        return [bottoms[0].reshape(self.shapes([bottoms[0].shape])[0])]

    def lower(self, build, bottoms, tops, params):
        build.op("view", bottoms, tops)
        return True
