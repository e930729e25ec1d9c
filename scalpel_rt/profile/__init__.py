"""How long things take on this machine, and what it could do at best."""

from .machine import Peaks, peaks
from .timer import Timing, Timings, pinned, time_together

__all__ = ["Peaks", "Timing", "Timings", "peaks", "pinned", "time_together"]
