"""Says of any file of Caffe's whether it will run here: :func:`check`."""

from .report import Report, check

__all__ = ["Report", "check"]
