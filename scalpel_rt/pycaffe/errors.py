"""Errors of this library that are also what a script written for pycaffe may catch."""

from contextlib import contextmanager

from ..errors import ScalpelError


class PycaffeError(ScalpelError, RuntimeError):
    """What pycaffe raises a RuntimeError for."""


class PycaffeAssertion(ScalpelError, AssertionError):
    """What pycaffe asserts."""


@contextmanager
def as_runtime_error():
    """A file that cannot be opened is a RuntimeError in pycaffe."""
    try:
        yield
    except OSError as error:
        raise PycaffeError(f"could not open the file: {error.strerror or error}", file=error.filename) from error
