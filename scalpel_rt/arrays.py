"""Reads and writes ``.npy`` and ``.npz`` with nothing in them believed before it is checked.

The format is NumPy's, https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html; its own reader takes the
memory that a header asks for before it looks whether the file has as much, and its writer confuses some names of arrays
with its own arguments.
"""

import io
import math
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np

from .errors import FormatError, LimitError
from .files import atomic_write
from .options import Limits

DEFLATE = 1032  # bytes that deflate can make of one
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
DAMAGE = (ValueError, EOFError, zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, RuntimeError,
          LookupError, OverflowError, OSError)      # what NumPy and zipfile raise for it, in a file that is open


def load_arrays(path, limits=None):
    """{name: array} of a ``.npz``, {"": array} of a ``.npy``; which it is the content decides.

    Raises FormatError for what is neither, for Python objects (which could run code), and for headers that announce
    more than the file has; LimitError for more than ``limits`` (a :class:`~scalpel_rt.options.Limits`) permits, before
    any memory is taken; OSError where the file cannot be read.
    """
    left = [(limits or Limits()).max_bytes]
    with open(path, "rb") as file:
        try:
            size = file.seek(0, io.SEEK_END)
            file.seek(0)
            if file.read(4) == b"PK\3\4":
                return _read_zip(file, left)
            file.seek(0)
            return {"": _read_array(file, size, left)}
        except (FormatError, LimitError) as error:
            raise error.locate(file=str(path)) from None
        except DAMAGE as error:
            raise FormatError(f"not a readable .npz or .npy file: {error}", file=str(path)) from error


def save_arrays(path, arrays):
    """Write {name: array} as ``.npz``, or one array as ``.npy`` where the path ends so; whole or not at all.

    Names may hold slashes and all else that names of blobs do, but no zero byte: FormatError.
    """
    if Path(path).suffix == ".npy":
        [array] = arrays.values()
        with atomic_write(path) as file:
            np.lib.format.write_array(file, np.asarray(array), allow_pickle=False)
        return
    for name in arrays:
        if "\0" in name:
            raise FormatError(f"an array in .npz cannot be named {name!r}", file=str(path))
    with atomic_write(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)


def _read_zip(file, left):
    found = {}
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            name = info.filename.removesuffix(".npy")
            if name in found:
                raise FormatError(f"two arrays are named {name[:80]!r}")
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise FormatError(f"{name[:80]!r} is packed by method {info.compress_type}; NumPy stores or deflates")
            if info.file_size > DEFLATE * info.compress_size + 1024:
                raise FormatError(f"{name[:80]!r} announces {info.file_size} bytes, packed as {info.compress_size}")
            with archive.open(info) as member:
                found[name] = _read_array(member, info.file_size, left)
                if member.read(1):      # and at the end the checksum is compared
                    raise FormatError(f"{name[:80]!r} goes on behind its array")
    return found


def _read_array(file, size, left):
    """The array in ``file``, of ``size`` bytes; ``left``: [bytes that all arrays may still take]."""
    version = np.lib.format.read_magic(file)
    if version not in HEADERS:
        raise FormatError(f"version {version} of .npy, which only arrays of records need")
    try:
        shape, fortran, dtype = HEADERS[version](file)
    except Exception as error:      # it is parsed as Python, and whatever can go wrong there does
        raise FormatError(f"its header cannot be read: {error}") from error
    if any(type(d) is not int for d in shape):      # NumPy lets truth values pass here, and fails with them later
        raise FormatError(f"its header cannot be read: shape {shape}")
    if dtype.hasobject:
        raise FormatError("holds Python objects, not numbers")
    nbytes = math.prod(shape) * dtype.itemsize
    if any(d < 0 for d in shape) or nbytes > size - file.tell():
        raise FormatError(f"announces an array of shape {shape}, {dtype}: {nbytes} bytes, but "
                          f"{size - file.tell()} follow")
    left[0] -= nbytes
    if left[0] < 0:
        raise LimitError(f"with an array of shape {shape}, {dtype}, the file would take more than Limits.max_bytes")
    data = bytearray(nbytes)
    if file.readinto(data) != nbytes:
        raise FormatError(f"ends within an array of shape {shape}")
    return np.ndarray(shape, dtype, data, order="F" if fortran else "C")
