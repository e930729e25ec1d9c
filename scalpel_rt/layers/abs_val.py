"""AbsVal: |x|."""

from ._elementwise import Elementwise
from ._registry import register


@register
class AbsVal(Elementwise):
    """The magnitude of each element. Caffe refuses to run it in place."""

    type = "AbsVal"
    fn = "abs"
    in_place = False
