"""What all layers share that are one function of each element."""

from . import _functions
from ._base import Layer, as_f32


class Elementwise(Layer):
    """Subclasses set ``fn``, a name of :data:`scalpel_rt.plan.spec.UNARY`, and in ``parse`` its parameters ``p``."""

    in_place = True
    fn = None
    p = ()

    def forward(self, bottoms, params):
        return [as_f32(_functions.apply(self.fn, bottoms[0], *self.p))]

    def lower(self, build, bottoms, tops, params):
        p0, p1, p2 = (*self.p, 0.0, 0.0, 0.0)[:3]
        build.op("unary", bottoms, tops, fn=self.fn, p0=p0, p1=p1, p2=p2)
        return True
