"""DummyData: tops that are filled instead of fed."""

from ..errors import GraphError
from ._base import Layer
from ._fillers import check_filler, fill
from ._registry import register


@register
class DummyData(Layer):
    """Tops of given shapes: ``shape``, or the older ``num``, ``channels``, ``height`` and ``width``, given once for all
    tops or once for each, as is ``data_filler`` (constant 0 where there is none).

    A constant stays, whatever is random is drawn anew at each forward; the state is the seed of the next drawing.
    """

    type = "DummyData"
    bottoms = (0, 0)
    tops = (1, None)

    def parse(self, message):
        p, n = message.dummy_data_param, len(message.top)
        legacy = [list(getattr(p, name)) for name in ("num", "channels", "height", "width")]
        if any(legacy):
            if p.shape:
                raise GraphError("shape is given together with num, channels, height, width: either one or the other")
            for name, values in zip(("num", "channels", "height", "width"), legacy, strict=True):
                if len(values) not in (1, n):
                    raise GraphError(f"{len(values)} values of {name} for {n} tops: give one for all or one for each")
            self.top_shapes = list(zip(*(values * n if len(values) == 1 else values for values in legacy), strict=True))
        else:
            if len(p.shape) not in (1, n):
                raise GraphError(f"{len(p.shape)} shapes for {n} tops: give one for all or one for each")
            self.top_shapes = [tuple(s.dim) for s in p.shape] * (n if len(p.shape) == 1 else 1)
        if len(p.data_filler) not in (0, 1, n):
            raise GraphError(f"{len(p.data_filler)} data_fillers for {n} tops: give none, one for all or one for each")
        self.data_fillers = list(p.data_filler) or [None]
        self.data_fillers *= n if len(self.data_fillers) == 1 else 1
        for filler, shape in zip(self.data_fillers, self.top_shapes, strict=True):
            if min(shape, default=0) < 0:
                raise GraphError(f"shape {shape} has a negative size")
            check_filler(filler, shape)
        self.stateful = any(not is_constant(filler) for filler in self.data_fillers)

    def shapes(self, bottoms):
        return list(self.top_shapes)

    def initial_state(self):
        return {"seed": 0}

    def forward(self, bottoms, params, state=None):
        seed = 0
        if state is not None:
            seed = state["seed"]
            state["seed"] += 1
        return [fill(filler, shape, (seed, i))
                for i, (filler, shape) in enumerate(zip(self.data_fillers, self.top_shapes, strict=True))]

    def lower(self, build, bottoms, tops, params):
        if self.stateful:
            return False
        for top, value in zip(tops, self.forward([], []), strict=True):
            build.op("fill", [], [top], {"value": value})
        return True


def is_constant(filler):
    """Whether Caffe fills with it only once."""
    return filler is None or filler.type == "constant"
