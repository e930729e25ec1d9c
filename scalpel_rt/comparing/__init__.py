"""What does pruning buy, on this machine, for this net? Everything measured in one run: :func:`compare`."""

from .run import compare

__all__ = ["compare"]
