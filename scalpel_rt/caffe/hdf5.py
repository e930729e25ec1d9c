"""Weights in HDF5, the only place that knows h5py (the extra "hdf5").

Layout: group ``/data/<layer>`` with datasets ``0``, ``1`` ...; layers without parameters have empty groups.
"""

import io
import math
import os
from contextlib import contextmanager

import numpy as np

from ..errors import FormatError, LimitError, located
from ..files import atomic_write
from ..options import Limits
from .weights import MAX_AXES, MAX_PARTS, Blob, LayerWeights, Weights

DEFLATE = 1032  # bytes that deflate can make of one
# HDF5's own filters, by number, and whether they make more bytes of fewer: deflate, shuffle, fletcher32, szip, nbit,
# scaleoffset, h5py's lzf. Others are plug-ins.
FILTERS = {1: True, 2: False, 3: False, 4: True, 5: True, 6: True, 32000: True}


def read_hdf5(path, limits=None):
    """Read ``.caffemodel.h5``: Weights of kind "hdf5", layers in the order of their names (HDF5 keeps no other).

    As in Caffe only the direct members of ``/data`` are layers, so what a layer named ``a/b`` would be is ignored.
    The values are read at once and converted to float32. Only what lies in the file itself counts: links to other
    files, and datasets whose values are in others, are refused. Raises FormatError for a file that is damaged or not
    laid out so, LimitError for more values than ``limits`` (a Limits) permits, ImportError without h5py.
    """
    h5py = _h5py()
    room = Room(os.path.getsize(path), limits or Limits())
    try:
        with h5py.File(path, "r") as file:
            data = own_member(h5py, file, "data")
            if not isinstance(data, h5py.Group):
                raise FormatError("an HDF5 file without the group /data: no weights of Caffe")
            room.part(len(data))
            layers = []
            for name in data:
                group = own_member(h5py, data, name)
                if isinstance(group, h5py.Group):
                    with located(layer=name):
                        layers.append(LayerWeights(name, "", _read_blobs(h5py, group, room)))
    except (FormatError, LimitError) as error:
        raise error.locate(file=str(path)) from None
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError) as error:  # h5py's, for damage
        if isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError):
            raise
        raise FormatError(f"a damaged HDF5 file: {error}", file=str(path)) from error
    return Weights(str(path), "hdf5", "HDF5", layers)


def write_layers(path, layers):
    """Write [(layer, [array])] as HDF5, whole or not at all; see :func:`scalpel_rt.caffe.write_hdf5`."""
    seen = set()
    for name, _ in layers:
        if not name or "/" in name or "\0" in name or name == ".":
            raise FormatError("this name cannot be the name of an HDF5 group: Caffe cannot keep such a layer in HDF5",
                              file=str(path), layer=name)
        if name in seen:
            raise FormatError("two layers of this name cannot be in one HDF5 file", file=str(path), layer=name)
        seen.add(name)
    with new_hdf5(path) as file:
        data = file.create_group("data")
        for name, arrays in layers:
            group = data.create_group(name)
            for i, array in enumerate(arrays):
                group.create_dataset(str(i), data=np.asarray(array, np.float32))


@contextmanager
def new_hdf5(path):
    """An h5py.File to fill; it becomes the file ``path``, whole or not at all, when the block ends well.

    Until then it is in memory: on a full disk libhdf5 ends the process with a segmentation fault.
    """
    whole = io.BytesIO()
    with _h5py().File(whole, "w") as file:
        yield file
    with atomic_write(path) as file:
        file.write(whole.getbuffer())


def _h5py():
    try:
        import h5py
    except ImportError as error:
        raise ImportError('weights in HDF5 need h5py: install it with pip install "scalpel-rt[hdf5]"') from error
    return h5py


def own_member(h5py, group, name):
    """The member ``name`` of a group, None without it; FormatError where it is a link to elsewhere."""
    link = group.get(name, getlink=True)
    if link is None or isinstance(link, h5py.HardLink):
        return group.get(name)
    elsewhere = getattr(link, "filename", "") or link.path
    raise FormatError(f"{name[:80]!r} is a link to {elsewhere!r}, not part of the file")


def check_stored(dataset, what, limits):
    """FormatError where the values of a dataset are not in its own file, or are packed in a way that has no bounds;
    LimitError where HDF5 would unpack a piece of it, which may be larger than all that is read, beyond ``limits``."""
    if dataset.external or dataset.is_virtual:
        raise FormatError(f"the values of {what} are in other files")
    plist = dataset.id.get_create_plist()
    filters = [plist.get_filter(i)[0] for i in range(plist.get_nfilters())]
    if any(code not in FILTERS for code in filters) or sum(FILTERS[code] for code in filters) > 1:
        raise FormatError(f"{what} goes through the HDF5 filters {filters}; at most one that packs is read")
    stored = dataset.id.get_storage_size()
    piece = math.prod(dataset.chunks or [0])
    if dataset.dtype.itemsize * max(dataset.size, piece) > DEFLATE * stored + 2**20:  # a shape costs no space in HDF5
        raise FormatError(f"{what} has the shape {dataset.shape}, but only {stored} bytes are stored for it")
    if dataset.dtype.itemsize * piece > limits.max_bytes:
        raise LimitError(f"{what} is stored in pieces of {dataset.chunks}, {dataset.dtype.itemsize * piece} bytes "
                         f"each, more than Limits.max_bytes = {limits.max_bytes}")


class Room:
    """What may still be read of one file: neither more parts than any net has, nor more values than the limits
    permit, nor more than so many bytes can hold (the same bytes can stand for several datasets)."""

    def __init__(self, size, limits):
        self.parts, self.limits, self.bytes = MAX_PARTS, limits, 0
        self.most = 4 * DEFLATE * size + 2**20     # a byte becomes a float

    def part(self, count=1):
        """Take ``count`` layers or blobs."""
        self.parts -= count
        if self.parts < 0:
            raise FormatError(f"more than {MAX_PARTS} layers and blobs")

    def values(self, what, shape):
        """Take an array of float32."""
        count = math.prod(shape)
        self.bytes += 4 * count
        if count > self.limits.max_elements:
            raise LimitError(f"{what} has the shape {shape}, more than Limits.max_elements = "
                             f"{self.limits.max_elements}")
        if self.bytes > self.limits.max_bytes:
            raise LimitError(f"with {what} of shape {shape} the weights take {self.bytes} bytes, more than "
                             f"Limits.max_bytes = {self.limits.max_bytes}")
        if self.bytes > self.most:
            raise FormatError(f"{what} has the shape {shape}: more than the file can hold")


def _read_blobs(h5py, group, room):
    """The datasets 0, 1 ... of a layer; None stands for a number that is left out."""
    numbered = {int(name): name for name in group if name.isascii() and name.isdigit() and str(int(name)) == name}
    if numbered and max(numbered) >= MAX_PARTS:
        raise FormatError(f"a blob number {max(numbered)}")
    room.part(max(numbered, default=-1) + 1)
    blobs = []
    for i in range(max(numbered, default=-1) + 1):
        dataset = own_member(h5py, group, numbered[i]) if i in numbered else None
        if dataset is None:
            blobs.append(None)
            continue
        if not isinstance(dataset, h5py.Dataset) or dataset.shape is None or dataset.dtype.kind not in "fiu":
            raise FormatError(f"blob {i} is not an array of numbers")
        if len(dataset.shape) > MAX_AXES:
            raise FormatError(f"blob {i} has {len(dataset.shape)} axes, at most {MAX_AXES} are possible")
        check_stored(dataset, f"blob {i}", room.limits)
        room.values(f"blob {i}", dataset.shape)
        array = np.empty(dataset.shape, np.float32)
        with np.errstate(over="ignore"):
            dataset.read_direct(array) if array.size else None
        blobs.append(Blob(tuple(dataset.shape), False, array.reshape(-1)))
    return blobs
