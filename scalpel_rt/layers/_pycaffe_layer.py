"""What a Python layer of the user sees: pycaffe's ``caffe.Layer`` and the blobs that it is given."""

import importlib
import sys
import threading
import types

import numpy as np

from ..errors import ShapeError, UnsupportedError

#: One Python layer runs at a time: user code was never written for more.
running = threading.RLock()


class PythonBlob:
    """A blob as pycaffe shows it: ``data`` and ``diff`` are float32 arrays whose elements can be written, ``reshape``
    takes the dimensions one by one."""

    def __init__(self, shape=()):
        self._data = self._diff = None
        self.reshape(*shape)

    def reshape(self, *shape):
        shape = tuple(int(d) for d in shape)
        if any(d < 0 for d in shape):
            raise ShapeError(f"a blob cannot have the shape {shape}")
        if self._data is None or self._data.shape != shape:
            self._data = np.zeros(shape, np.float32)
            self._diff = None

    @property
    def data(self):
        return self._data

    @property
    def diff(self):
        if self._diff is None:
            self._diff = np.zeros(self.data.shape, np.float32)
        return self._diff

    @property
    def shape(self):
        return self.data.shape

    @property
    def count(self):
        return self.data.size

    def _legacy(self, axis):
        if self.data.ndim > 4:
            raise ShapeError(f"num, channels, height and width need at most 4 axes, the blob has shape {self.shape}")
        return self.data.shape[axis] if axis < self.data.ndim else 1

    num = property(lambda self: self._legacy(0))
    channels = property(lambda self: self._legacy(1))
    height = property(lambda self: self._legacy(2))
    width = property(lambda self: self._legacy(3))


class PythonBlobs(list):
    """The learnt blobs of a Python layer, made in its ``setup``."""

    def add_blob(self, *shape):
        self.append(PythonBlob(shape))
        return self[-1]


class PythonLayer:
    """``caffe.Layer``: users derive from it and give setup, reshape and forward, each taking (self, bottom, top).

    ``param_str`` is the string of the prototxt, ``phase`` 0 for TRAIN and 1 for TEST, ``blobs`` the learnt blobs.
    """

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


def load_class(module, name):
    """The class ``name`` of the importable ``module``; ``import caffe`` in it finds pycaffe's few names for layers.

    A module named caffe that is already imported and offers our :class:`PythonLayer` is left in place. Raises
    UnsupportedError when there is no such module or class, or when it derives from another caffe's Layer.
    """
    present = sys.modules.get("caffe")
    ours = getattr(present, "Layer", None) is PythonLayer
    with running:
        if not ours:
            stand_in = types.ModuleType("caffe", "What a Python layer needs of pycaffe.")
            stand_in.Layer, stand_in.TRAIN, stand_in.TEST = PythonLayer, 0, 1
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
