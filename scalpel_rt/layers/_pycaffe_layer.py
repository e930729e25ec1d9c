"""What a Python layer of the user sees: pycaffe's ``caffe.Layer`` and the blobs that it is given."""

import importlib
import importlib.util
import operator
import sys
import threading
import types

import numpy as np

from ..errors import ShapeError, UnsupportedError
from ._base import count

#: One Python layer runs at a time: user code was never written for more.
running = threading.RLock()


class BlobFace:
    """What follows from ``shape`` and ``data`` of a blob, as pycaffe names it. Subclasses give these two."""

    _diff = None

    @property
    def diff(self):
        """Zeros, the blob's own to write to: nothing here computes gradients."""
        if self._diff is None or self._diff.shape != self.shape:
            self._diff = np.zeros(self.shape, np.float32)
        return self._diff

    @property
    def count(self):
        return count(self.shape)

    def _legacy(self, axis):
        if len(self.shape) > 4:
            raise ShapeError(f"num, channels, height and width need at most 4 axes, the blob has shape {self.shape}")
        return self.shape[axis] if axis < len(self.shape) else 1

    num = property(lambda self: self._legacy(0))
    channels = property(lambda self: self._legacy(1))
    height = property(lambda self: self._legacy(2))
    width = property(lambda self: self._legacy(3))


class PythonBlob(BlobFace):
    """A blob as a Python layer is given it: ``data`` and ``diff`` are float32 arrays whose elements can be written,
    ``reshape`` takes the dimensions one by one."""

    def __init__(self, shape=()):
        self.data = None
        self.reshape(*shape)

    def reshape(self, *shape):
        shape = checked_shape(shape)
        if self.data is None or self.data.shape != shape:
            self.data = np.zeros(shape, np.float32)

    @property
    def shape(self):
        return self.data.shape


def checked_shape(shape):
    """The arguments of a blob's ``reshape`` as a tuple; ShapeError for what cannot be a shape."""
    try:
        shape = tuple(operator.index(d) for d in shape)
    except TypeError:
        raise ShapeError(f"a blob is reshaped to whole numbers, one argument for each axis, not {shape!r}") from None
    if any(d < 0 for d in shape):
        raise ShapeError(f"a blob cannot have the shape {shape}")
    return shape


class PythonBlobs(list):
    """The learnt blobs of a Python layer, made in its ``setup``."""

    def add_blob(self, *shape):
        self.append(PythonBlob(shape))
        return self[-1]


class PythonLayer:
    """``caffe.Layer``: users derive from it and give setup, reshape and forward, each taking (self, bottom, top).

    ``type`` is "Python", ``param_str`` is the string of the prototxt, ``phase`` 0 for TRAIN and 1 for TEST,
    ``blobs`` the learnt blobs.
    """

    type = "Python"

    def __init__(self, param=None):
        self.blobs = PythonBlobs()
        self.param_str = self.param_str_ = ""
        self.phase = 1

    def setup(self, bottom, top):
        pass

    def reshape(self, bottom, top):
        pass

    def forward(self, bottom, top):
        raise NotImplementedError(f"{type(self).__name__}.forward")

    def backward(self, top, propagate_down, bottom):
        pass


#: What ``import caffe`` finds in the module of a Python layer. scalpel_rt.pycaffe, once imported, takes this place.
stand_in = types.ModuleType("caffe", "What a Python layer needs of pycaffe.")
stand_in.Layer, stand_in.TRAIN, stand_in.TEST = PythonLayer, 0, 1


def is_there(module):
    """Whether a module can be found; of ``a.b`` this imports ``a``."""
    try:
        return importlib.util.find_spec(module) is not None
    except ImportError:
        return False


def load_class(module, name):
    """The class ``name`` of the importable ``module``; ``import caffe`` in it finds :data:`stand_in`.

    A module named caffe that is already imported and offers our :class:`PythonLayer` is left in place. Raises
    UnsupportedError when there is no such module or class, or when it derives from another caffe's Layer.
    """
    present = sys.modules.get("caffe")
    ours = getattr(present, "Layer", None) is PythonLayer
    with running:
        if not ours:
            sys.modules["caffe"] = stand_in
        try:
            found = getattr(importlib.import_module(module), name)
        except ImportError as error:
            raise UnsupportedError(f"the Python module {module!r} of this layer cannot be imported: {error}") from error
        except AttributeError as error:
            raise UnsupportedError(f"the Python module {module!r} has no class {name!r}: {error}") from error
        finally:
            if not ours:
                if present is None:
                    del sys.modules["caffe"]
                else:
                    sys.modules["caffe"] = present
    if not (isinstance(found, type) and issubclass(found, PythonLayer)):
        raise UnsupportedError(f"{module}.{name} does not derive from this library's caffe.Layer; if it was imported "
                               "with another caffe before, let the net be loaded first")
    return found
