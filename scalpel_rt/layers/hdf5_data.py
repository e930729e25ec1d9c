"""HDF5Data: rows of HDF5 files, in order, for ever."""

import os
from contextlib import contextmanager

import numpy as np

from ..caffe.hdf5 import check_stored, own_member
from ..errors import DataError, FormatError, GraphError, ScalpelError, ShapeError, UnsupportedError
from ..options import Limits
from ._base import Layer, as_f32
from ._registry import register

MAX_LIST = 1 << 24      # characters that a list of files may have
MAX_TURNS = 10_000      # files that a batch may be put together from, counted each time that one is begun


@register
class HDF5Data(Layer):
    """Nothing -> for each top the next ``batch_size`` rows of the dataset of its name, (batch_size, ...).

    ``source`` is a text file with the names of HDF5 files, which are read one after another and then again from the
    first; both kinds of names are relative to the working directory. ``shuffle`` mixes the files once and the rows of
    a file each time that it is begun, in an order that is the same in every run.

    Where these files are not there (a train_val net far from its data) the tops become inputs that the caller feeds.
    """

    type = "HDF5Data"
    bottoms = (0, 0)
    tops = (1, None)
    stateful = True

    def parse(self, message):
        p = message.hdf5_data_param
        self.source, self.batch_size, self.shuffle = p.source, p.batch_size, p.shuffle
        self.names = list(message.top)
        if message.HasField("transform_param"):
            raise GraphError("HDF5Data does not transform data, but has a transform_param")
        if self.batch_size < 1:
            raise GraphError("hdf5_data_param batch_size must be above 0, not 0")
        self.files = self._listed()
        missing = self.source if self.files is None else next((f for f in self.files if not os.path.isfile(f)), None)
        if missing is not None:
            self.is_input = self.one_batch = True
            self.stateful = False
            self.note = f"the HDF5 files are not there ({missing!r}): the tops {', '.join(self.names)} are inputs"

    def _listed(self):
        """The names in the source, or None when it is not there."""
        if not os.path.isfile(self.source):         # a device or a pipe might never end
            return None
        try:
            with open(self.source, encoding="utf-8") as file:
                names = file.read(MAX_LIST + 1)
        except OSError:
            return None
        except UnicodeDecodeError as error:
            raise FormatError(f"hdf5_data_param source {self.source!r} is no text: {error}") from error
        if len(names) > MAX_LIST or not names.split():
            raise FormatError(f"hdf5_data_param source {self.source!r} lists "
                              + ("no files" if len(names) <= MAX_LIST else f"more than {MAX_LIST} characters of files"))
        return names.split()

    def shapes(self, bottoms):
        if self.is_input:
            return [None] * len(self.names)
        with _open(self.files[0]) as file:
            return [(self.batch_size, *dataset.shape[1:]) for dataset in self._datasets(file, self.files[0])]

    def initial_state(self):
        order = np.arange(len(self.files))
        random = np.random.default_rng(0)
        if self.shuffle:
            random.shuffle(order)
        return {"files": order, "file": 0, "row": 0, "rows": None, "random": random}

    def forward(self, bottoms, params, state):
        parts, missing = [], self.batch_size
        while missing:
            name = self.files[state["files"][state["file"]]]
            with _open(name) as file:
                datasets = self._datasets(file, name)
                rows = state["rows"]
                if rows is None:                                    # the file is only begun
                    rows = state["rows"] = np.arange(datasets[0].shape[0])
                    if self.shuffle:
                        state["random"].shuffle(rows)
                if len(parts) == MAX_TURNS:
                    raise DataError(f"a batch of {self.batch_size} would go through the files {MAX_TURNS} times")
                taken = rows[state["row"]:state["row"] + missing]
                parts.append([_read(dataset, taken) for dataset in datasets])
            missing -= len(taken)
            state["row"] += len(taken)
            if state["row"] >= len(rows):
                state["row"], state["rows"] = 0, None
                state["file"] = (state["file"] + 1) % len(self.files)
        tops = []
        for top, pieces in zip(self.names, zip(*parts, strict=True), strict=True):
            if len({piece.shape[1:] for piece in pieces}) > 1:
                raise ShapeError(f"dataset {top!r} has rows of {pieces[0].shape[1:]} in one file and of "
                                 f"{pieces[-1].shape[1:]} in another")
            tops.append(as_f32(np.concatenate(pieces)))
        return tops

    def _datasets(self, file, path):
        """The dataset of each top; all must be numbers and have as many rows."""
        import h5py

        found = []
        for name in self.names:
            dataset = own_member(h5py, file, name)
            if not isinstance(dataset, h5py.Dataset):
                raise FormatError(f"{path} has no dataset {name!r}, only {', '.join(sorted(file)) or 'nothing'}")
            if dataset.dtype.kind not in "fiu":
                raise FormatError(f"dataset {name!r} of {path} holds {dataset.dtype}, not numbers")
            if not dataset.shape:
                raise FormatError(f"dataset {name!r} of {path} has no axes, so no rows")
            check_stored(dataset, f"dataset {name!r} of {path}", Limits())
            found.append(dataset)
        rows = [dataset.shape[0] for dataset in found]
        if len(set(rows)) > 1:
            raise ShapeError(f"the datasets of {path} must have as many rows: "
                             + ", ".join(f"{name!r} has {n}" for name, n in zip(self.names, rows, strict=True)))
        if rows[0] == 0:
            raise DataError(f"{path} has no rows")
        return found


@contextmanager
def _open(path):
    """The HDF5 file, open to read; FormatError for whatever h5py finds damaged in it, here and inside the block."""
    try:
        import h5py
    except ImportError as error:
        raise UnsupportedError("HDF5 files need the package h5py: pip install h5py") from error
    try:
        with h5py.File(path, "r") as file:
            yield file
    except ScalpelError:
        raise
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError) as error:
        raise FormatError(f"{path} is not a readable HDF5 file: {error}") from error


def _read(dataset, rows):
    """Rows in the order asked for; h5py wants them ascending."""
    if len(rows) and np.array_equal(rows, np.arange(rows[0], rows[0] + len(rows))):
        return dataset[rows[0]:rows[0] + len(rows)]
    ascending = np.argsort(rows)
    out = np.empty((len(rows), *dataset.shape[1:]), dataset.dtype)
    out[ascending] = dataset[rows[ascending]]
    return out
