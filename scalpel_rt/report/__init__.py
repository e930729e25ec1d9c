"""Results of measurements and every way of showing them: text, CSV, plots, one HTML page, and JSON to keep them."""

from .results import Results, read
from .write import FORMS, form_of, write

__all__ = ["FORMS", "Results", "form_of", "read", "write"]
