"""What a caller can set: how large a net may be (:class:`Limits`)."""

from dataclasses import dataclass, fields

from .errors import OptionsError


@dataclass(frozen=True)
class Limits:
    """Sizes that a net from outside may not pass; checked from the shapes, before memory is taken.

    Attributes
    ----------
    max_elements : int
        Elements of one blob or parameter. The default is Caffe's own limit, the largest int32.
    max_bytes : int
        Bytes of all blobs and parameters of a net together, as float32.
    max_layers : int
        Layers of a net.
    """

    max_elements: int = 2**31 - 1
    max_bytes: int = 32 * 2**30
    max_layers: int = 20_000

    def __post_init__(self):
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise OptionsError(f"Limits: {field.name} must be a positive int, not {value!r}")
