"""How long things take on this machine, and what it could do at best."""

from .machine import Peaks, peaks
from .steps import Profile, Step, profile
from .timer import Timing, Timings, pinned, time_together

__all__ = ["Peaks", "Profile", "Step", "Timing", "Timings", "peaks", "pinned", "profile", "time_together"]
