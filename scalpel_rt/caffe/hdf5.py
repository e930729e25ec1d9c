"""Weights in HDF5, the only place that knows h5py (the extra "hdf5").

Layout: group ``/data/<layer>`` with datasets ``0``, ``1`` ...; layers without parameters have empty groups.
"""

import io

import numpy as np

from ..errors import FormatError
from ..files import atomic_write
from .weights import MAX_AXES, MAX_PARTS, Blob, LayerWeights, Weights


def read_hdf5(path):
    """Read ``.caffemodel.h5``: Weights of kind "hdf5", layers in the order of their names (HDF5 keeps no other).

    As in Caffe only the direct members of ``/data`` are layers, so what a layer named ``a/b`` would be is ignored.
    The values are read at once and converted to float32. Raises FormatError for a file that is damaged or not laid
    out so, ImportError without h5py.
    """
    h5py = _h5py()
    try:
        with h5py.File(path, "r") as file:
            data = file.get("data")
            if not isinstance(data, h5py.Group):
                raise FormatError("an HDF5 file without the group /data: no weights of Caffe")
            if len(data) > MAX_PARTS:
                raise FormatError(f"more than {MAX_PARTS} layers")
            layers = []
            for name in data:
                group = data.get(name)
                if isinstance(group, h5py.Group):
                    layers.append(LayerWeights(name, "", _read_blobs(h5py, group, name)))
    except FormatError as error:
        raise error.locate(file=str(path)) from None
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:  # h5py's, for all that is damaged
        if isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError):
            raise
        raise FormatError(f"a damaged HDF5 file: {error}", file=str(path)) from error
    return Weights(str(path), "hdf5", "HDF5", layers)


def write_layers(path, layers):
    """Write [(layer, [array])] as HDF5, whole or not at all; see :func:`scalpel_rt.caffe.write_hdf5`."""
    h5py = _h5py()
    seen = set()
    for name, _ in layers:
        if not name or "/" in name or "\0" in name or name == ".":
            raise FormatError("this name cannot be the name of an HDF5 group: Caffe cannot keep such a layer in HDF5",
                              file=str(path), layer=name)
        if name in seen:
            raise FormatError("two layers of this name cannot be in one HDF5 file", file=str(path), layer=name)
        seen.add(name)
    made = io.BytesIO()     # not the file itself: the HDF5 library crashes on a full disk
    with h5py.File(made, "w") as file:
        data = file.create_group("data")
        for name, arrays in layers:
            group = data.create_group(name)
            for i, array in enumerate(arrays):
                group.create_dataset(str(i), data=np.asarray(array, np.float32))
    with atomic_write(path) as file:
        file.write(made.getbuffer())


def _h5py():
    try:
        import h5py
    except ImportError as error:
        raise ImportError('weights in HDF5 need h5py: install it with pip install "scalpel-rt[hdf5]"') from error
    return h5py


def _read_blobs(h5py, group, layer):
    """The datasets 0, 1 ... of a layer; None stands for a number that is left out."""
    numbered = {int(name): name for name in group if name.isascii() and name.isdigit() and str(int(name)) == name}
    if numbered and max(numbered) >= MAX_PARTS:
        raise FormatError(f"a blob number {max(numbered)}", layer=layer)
    blobs = []
    for i in range(max(numbered, default=-1) + 1):
        dataset = group.get(numbered[i]) if i in numbered else None
        if dataset is None:
            blobs.append(None)
            continue
        if not isinstance(dataset, h5py.Dataset) or dataset.shape is None or dataset.dtype.kind not in "fiu":
            raise FormatError(f"blob {i} is not an array of numbers", layer=layer)
        if len(dataset.shape) > MAX_AXES:
            raise FormatError(f"blob {i} has {len(dataset.shape)} axes, at most {MAX_AXES} are possible", layer=layer)
        stored = dataset.id.get_storage_size()
        if dataset.size * 4 > 1000 * stored + 2**20:  # a shape alone costs no space in HDF5
            raise FormatError(f"blob {i} has the shape {dataset.shape}, but only {stored} bytes are stored for it",
                              layer=layer)
        array = np.empty(dataset.shape, np.float32)
        with np.errstate(over="ignore"):
            dataset.read_direct(array) if array.size else None
        blobs.append(Blob(tuple(dataset.shape), False, array.reshape(-1)))
    return blobs
