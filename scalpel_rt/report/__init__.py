"""Results of measurements and every way of showing them: text, CSV, plots, one HTML page, and JSON to keep them."""

from .results import Results, read
from .write import FORMS, write

__all__ = ["FORMS", "Results", "read", "write"]
