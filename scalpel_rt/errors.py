"""Every error that scalpel_rt raises on purpose, and where it happened.

Code deep inside raises with a message alone; whoever knows the layer or the file adds it on the way out
with :meth:`ScalpelError.locate` or :func:`located`, so the text a user sees starts with file, line and layer.
"""

from contextlib import contextmanager


class ScalpelError(Exception):
    """Base of all errors of this library.

    Parameters
    ----------
    message : str
        What is wrong, with the offending values (both shapes, where two disagree).
    file, line, layer : optional
        Where; ``layer`` is the layer's name. Each can be filled in later, the first one given stays.
    """

    def __init__(self, message, *, file=None, line=None, layer=None):
        super().__init__(message)
        self.message = message
        self.file = file
        self.line = line
        self.layer = layer

    def locate(self, *, file=None, line=None, layer=None):
        """Fill in what is not known yet; returns self, for ``raise error.locate(layer=name)``."""
        self.file = self.file if self.file is not None else file
        self.line = self.line if self.line is not None else line
        self.layer = self.layer if self.layer is not None else layer
        return self

    def __str__(self):
        where = ""
        if self.file is not None:
            where = f"{self.file}:{self.line}: " if self.line is not None else f"{self.file}: "
        elif self.line is not None:
            where = f"line {self.line}: "
        if self.layer is not None:
            where += f"layer {self.layer!r}: "
        return where + self.message

    def __reduce__(self):
        return _rebuild, (type(self), self.message, self.file, self.line, self.layer)


def _rebuild(kind, message, file, line, layer):
    return kind(message, file=file, line=line, layer=layer)


class FormatError(ScalpelError, ValueError):
    """A file is not what it should be: not a prototxt, a cut caffemodel, an unknown field."""


class GraphError(ScalpelError, ValueError):
    """The layers do not make a net: an unknown bottom, a blob made twice, wrong counts, a bad parameter."""


class ShapeError(GraphError):
    """Shapes that do not fit each other or the layer."""


class WeightsError(GraphError):
    """Weights that do not fit the net: a wrong count of blobs, a wrong shape."""


class DataError(ScalpelError, ValueError):
    """Values that a layer cannot take, found while running: an index beyond the batch, a label beyond the classes."""


class UnsupportedError(ScalpelError):
    """Something real that this library cannot do: an unknown layer type, a layer that needs a data base."""


class OptionsError(ScalpelError, ValueError):
    """An argument or option out of range, or an instruction set that this build or machine lacks."""


class LimitError(ScalpelError, ValueError):
    """A size beyond the limits that the caller set, found before memory is taken."""


class MismatchError(ScalpelError, ValueError):
    """Results that should agree do not; whoever was to be timed was not."""


@contextmanager
def located(**where):
    """``with located(layer=name):`` adds to every ScalpelError that passes what it does not know yet."""
    try:
        yield
    except ScalpelError as error:
        error.locate(**where)
        raise
