"""How long things take on this machine, and what it could do at best."""

from .forecast import Forecast, forecast
from .machine import Peaks, peaks
from .steps import Profile, Step, profile
from .timer import Timing, Timings, pinned, time_together

__all__ = ["Forecast", "Peaks", "Profile", "Step", "Timing", "Timings", "forecast", "peaks", "pinned", "profile",
           "time_together"]
