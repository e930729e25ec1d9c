"""What a caller can set: how a net is planned (:class:`Options`), how large it may be (:class:`Limits`)."""

import os
from dataclasses import dataclass, fields

from .errors import OptionsError
from .isa import active
from .runtime._kernels import MAX_THREADS


@dataclass(frozen=True)
class Limits:
    """Sizes that a net from outside may not pass; checked from what files announce, before memory is taken.

    Attributes
    ----------
    max_elements : int
        Elements of one blob or parameter. The default is Caffe's own limit, the largest int32.
    max_bytes : int
        Bytes of all blobs and parameters of a net together, as float32; and of the weights in an HDF5 file.
    max_layers : int
        Layers of a net as its file lists them, all phases together; and blobs that one layer reads, or makes.
    """

    max_elements: int = 2**31 - 1
    max_bytes: int = 32 * 2**30
    max_layers: int = 10_000

    def __post_init__(self):
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise OptionsError(f"Limits: {field.name} must be a positive int, not {value!r}")


@dataclass(frozen=True)
class Options:
    """How a net is turned into a plan.

    Attributes
    ----------
    threads : int or None
        Most threads that a run uses; None = the cores that the process may use. Results are the same bit for bit.
    isa : str or None
        Highest instruction set of the kernels: "scalar", "sse41", "avx2", "avx512"; None = what SCALPEL_ISA says,
        else the highest that runs here.
    weights : str
        How weights are stored: "dense", "csr" (compressed rows), "group" (groups of 4, 8 or 16), or "auto": whatever
        is fastest for each layer. An operation that has no kernel of the wanted kind takes the best of the others.
    numerics : str
        "fast" allows kernels that round differently from a plain sum of products (Winograd), "exact" does not.
    tune : bool or None
        Measure the kernels that estimates do not tell apart, on the real shapes and weights, and keep the results on
        disk; False = estimates alone. None = what SCALPEL_TUNE (0 or 1) says, else True.
    """

    threads: int | None = None
    isa: str | None = None
    weights: str = "auto"
    numerics: str = "fast"
    tune: bool | None = None

    def __post_init__(self):
        if self.threads is not None and (
            not isinstance(self.threads, int) or isinstance(self.threads, bool) or not 1 <= self.threads <= MAX_THREADS
        ):
            raise OptionsError(f"Options: threads must be an int from 1 to {MAX_THREADS}, not {self.threads!r}")
        if self.isa is not None:
            active(self.isa)
        _one_of("weights", self.weights, ("auto", "dense", "csr", "group"))
        _one_of("numerics", self.numerics, ("fast", "exact"))
        if self.tune is not None and not isinstance(self.tune, bool):
            raise OptionsError(f"Options: tune must be True, False or None, not {self.tune!r}")

    @property
    def tuned(self):
        """Whether to measure, the environment asked. OptionsError when it says something else than 0 or 1."""
        if self.tune is not None:
            return self.tune
        said = os.environ.get("SCALPEL_TUNE") or "1"
        if said not in ("0", "1"):
            raise OptionsError(f"SCALPEL_TUNE must be 0 or 1, not {said!r}")
        return said == "1"


def _one_of(name, value, allowed):
    if value not in allowed:
        raise OptionsError(f"Options: {name} must be one of {', '.join(map(repr, allowed))}, not {value!r}")
