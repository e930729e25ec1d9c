"""Power: (shift + scale * x) ^ power."""

from ._affine import lower_affine
from ._elementwise import Elementwise
from ._registry import register


@register
class Power(Elementwise):
    """(shift + scale * x) ^ power. Where power * scale is 0, x is not looked at: 1 for power 0, else shift ^ power."""

    type = "Power"
    fn = "power"

    def parse(self, message):
        p = message.power_param
        self.p = (p.power, p.scale, p.shift)

    def lower(self, build, bottoms, tops, params):
        power, scale, shift = self.p
        if power != 1 or scale == 0:
            return super().lower(build, bottoms, tops, params)
        if scale == 1 and shift == 0:
            build.op("view", bottoms, tops)
            return True
        return lower_affine(build, bottoms[0], tops[0], 0, (), scale, shift if shift else None)
