"""Compact files: a net and its weights in one ``.safetensors``, what is zero left out.

The container is Hugging Face's safetensors: eight bytes with the length of a JSON header, the header, the tensors.
Each parameter is stored in the form that takes fewest bytes: dense, CSR, or groups of 2, 4, 8 or 16 weights, with
indices as narrow as its shape allows (see docs/formats.md). The header's ``__metadata__`` holds "format" ("scalpel-rt
compact"), "version", "prototxt" (the net, as text) and "parameters", a JSON list with an object for each stored
parameter: its layer, its number there, its shape, form, and what its tensors are called.
"""

import bisect
import json
import math
import mmap
import os
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ..errors import FormatError, ScalpelError, UnsupportedError
from ..files import atomic_write
from ..sparse import Csr, Groups, smallest, unpacked
from .text import parse_prototxt
from .weights import MAX_AXES, MAX_PARTS, Blob, LayerWeights, Weights

FORMAT, VERSION = "scalpel-rt compact", 1
MAX_HEADER = 100_000_000    # that of the safetensors library
DTYPES = {"U64": "<u8", "F32": "<f4", "U32": "<u4", "U16": "<u2", "U8": "|u1"}


@dataclass(frozen=True, eq=False)
class PackedBlob:
    """A parameter that a compact file holds as ``matrix``, a Csr or Groups; otherwise as :class:`Blob`.

    ``array`` is made, once, when it is first asked for; nobody can write to it, so that it stays what ``matrix`` is.
    """

    shape: tuple
    matrix: object
    legacy: bool = field(default=False, init=False)

    @property
    def size(self):
        return math.prod(self.matrix.shape)

    @cached_property
    def array(self):
        return unpacked(self.matrix).reshape(-1)


def is_compact(path):
    """Whether a file begins as a safetensors file does; the text of a prototxt never does."""
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        head, size = file.read(9), file.seek(0, 2)
    return len(head) == 9 and head[8:] == b"{" and int.from_bytes(head[:8], "little") <= min(size, MAX_HEADER)


def write_compact(path, prototxt, layers):
    """Write a net to one compact file, whole or not at all.

    prototxt : str
    layers : iterable of (name, {number: array})
        The parameters to store, float32; what another layer shares is stored once.

    Returns {(layer, number): (form, bytes)}: "dense", "csr" or "group" and the bytes of values, indices and pointers.
    Raises FormatError for two layers of one name.
    """
    parameters, tensors, sizes, seen = [], {}, {}, set()
    for name, arrays in layers:
        if not arrays:
            continue
        if name in seen:
            raise FormatError("two layers of this name cannot be in one compact file", file=str(path), layer=name)
        seen.add(name)
        for number, array in arrays.items():
            about, parts = _packed(array)
            prefix = f"{name}/{number}"
            parameters.append({"layer": name, "number": number, "shape": list(array.shape), **about,
                               "tensors": {part: f"{prefix}.{part}" for part in parts}})
            tensors.update((f"{prefix}.{part}", values) for part, values in parts.items())
            sizes[name, number] = about["form"], sum(values.nbytes for values in parts.values())
    _write_tensors(path, tensors, {"format": FORMAT, "version": str(VERSION), "prototxt": prototxt,
                                   "parameters": json.dumps(parameters)})
    return sizes


def read_compact(path, dialect="any", limits=None):
    """(NetParameter, Weights) of a compact file.

    The file is mapped, for reading, and nothing is unpacked before it is used. Raises FormatError naming file and layer
    for whatever is not as it should be: indices out of range, shapes that lie, tensors beyond the end or on top of each
    other. ``limits`` (a Limits) is for the net's description.
    """
    path = str(path)
    try:
        with open(path, "rb") as file:
            size = file.seek(0, 2)
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
        header, start = _header(data)
        tensors = _Tensors(data, header, start)
        metadata = header.get("__metadata__")
        if not isinstance(metadata, dict) or metadata.get("format") != FORMAT:
            raise FormatError(f"a safetensors file, but not of the format {FORMAT!r}")
        if metadata.get("version") != str(VERSION):
            raise UnsupportedError(f"version {metadata.get('version')!r} of the format; this library knows {VERSION}")
        prototxt, listed = metadata.get("prototxt"), _json(metadata.get("parameters"), "parameters")
        if not isinstance(prototxt, str) or not isinstance(listed, list) or len(listed) > MAX_PARTS:
            raise FormatError("its prototxt or its list of parameters is missing")
        layers = {}
        for entry in listed:
            _place(layers, entry, _read_parameter(tensors, entry))
        message = parse_prototxt(prototxt, dialect=dialect, limits=limits)
    except ScalpelError as error:
        raise error.locate(file=path) from None
    return message, Weights(path, "compact", "compact", [LayerWeights(name, "", [blobs.get(i) for i in range(
        max(blobs) + 1)]) for name, blobs in layers.items()])


def _packed(array):
    """(what the header says of a parameter, {part: array}) in its smallest form."""
    found = smallest(array)
    if isinstance(found, Groups):
        return ({"form": "group", "width": found.width, "axis": found.axis},
                {"ptr": found.ptr, "idx": found.idx, "values": found.values})
    if isinstance(found, Csr):
        return {"form": "csr"}, {"ptr": found.ptr, "idx": found.idx, "values": found.values}
    return {"form": "dense"}, {"values": found}


def _write_tensors(path, tensors, metadata):
    codes = {np.dtype(dtype): code for code, dtype in DTYPES.items()}
    order = sorted(tensors, key=lambda name: -tensors[name].dtype.itemsize)     # widest first: all lie aligned
    header, end = {"__metadata__": metadata}, 0
    for name in order:
        values = tensors[name]
        header[name] = {"dtype": codes[values.dtype.newbyteorder("<")], "shape": list(values.shape),
                        "data_offsets": [end, end + values.nbytes]}
        end += values.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with atomic_write(path) as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name in order:
            values = tensors[name]
            file.write(np.ascontiguousarray(values, values.dtype.newbyteorder("<")).reshape(-1).view(np.uint8))


def _header(data):
    """(the header's object, where the tensors begin)."""
    if len(data) < 9:
        raise FormatError("too short for a safetensors file")
    length = int.from_bytes(data[:8], "little")
    if length > min(len(data) - 8, MAX_HEADER):
        raise FormatError(f"not a safetensors file, or cut short: a header of {length} bytes")
    header = _json(bytes(data[8:8 + length]), "header")
    if not isinstance(header, dict):
        raise FormatError("its header is no JSON object")
    return header, 8 + length


def _json(text, what):
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise FormatError(f"its {what} cannot be read as JSON: {error}") from None


def _read_parameter(tensors, entry):
    """The Blob or PackedBlob of an entry of the list of parameters."""
    if not isinstance(entry, dict) or not isinstance(entry.get("layer"), str):
        raise FormatError("an entry of its list of parameters names no layer")
    try:
        shape, form, names = _shape(entry.get("shape")), entry.get("form"), entry.get("tensors")
        wanted = ("values",) if form == "dense" else ("ptr", "idx", "values")
        if form not in ("dense", "csr", "group") or not isinstance(names, dict) or set(names) != set(wanted):
            raise FormatError(f"a parameter of the form {form!r} with the tensors {names!r}")
        parts = {part: tensors.take(names[part]) for part in wanted}
        if form == "dense":
            if parts["values"].dtype != np.float32 or parts["values"].shape != shape:
                raise FormatError(f"values of {parts['values'].dtype}, shape {parts['values'].shape}, where float32 of "
                                  f"shape {shape} is announced")
            return Blob(shape, False, parts["values"].reshape(-1))
        if len(shape) < 2:
            raise FormatError(f"a {form} matrix of shape {shape}")
        matrix = (shape[0], math.prod(shape[1:]))
        if form == "csr":
            return PackedBlob(shape, Csr(matrix, **parts))
        width, axis = entry.get("width"), entry.get("axis")
        if type(width) is not int or not isinstance(axis, str):
            raise FormatError(f"groups of width {width!r} along {axis!r}")
        return PackedBlob(shape, Groups(matrix, width, axis, **parts))
    except ScalpelError as error:
        raise FormatError(error.message, layer=entry["layer"]) from None


def _shape(dims):
    if not isinstance(dims, list) or len(dims) > MAX_AXES or not all(type(d) is int and 0 <= d < 1 << 63 for d in dims):
        raise FormatError(f"the shape {str(dims)[:80]}")
    return tuple(dims)


class _Tensors:
    """The tensors of a file, as views of it. Each is given once, and none lies on another: what a file costs to read
    then grows with its size alone."""

    def __init__(self, data, header, start):
        self.data, self.start = data, start
        self.about = {name: about for name, about in header.items() if name != "__metadata__"}
        self.taken = []     # (begin, end) of what was given

    def take(self, name):
        """The tensor ``name``."""
        about = self.about.pop(name, None) if isinstance(name, str) else None
        code = about.get("dtype") if isinstance(about, dict) else None
        if not isinstance(code, str) or code not in DTYPES:
            raise FormatError(f"the tensor {str(name)[:80]!r} is missing, was there already, or is of an unknown type")
        dtype, shape, offsets = np.dtype(DTYPES[code]), _shape(about.get("shape")), about.get("data_offsets")
        size = len(self.data) - self.start
        if (not isinstance(offsets, list) or len(offsets) != 2 or not all(type(o) is int for o in offsets)
                or not 0 <= offsets[0] <= offsets[1] <= size):
            raise FormatError(f"the tensor {name[:80]!r} lies at {str(offsets)[:80]}, of {size} bytes")
        begin, end = offsets
        if end - begin != dtype.itemsize * math.prod(shape):
            raise FormatError(f"the tensor {name[:80]!r} of shape {shape} has {end - begin} bytes")
        if end > begin:
            at = bisect.bisect(self.taken, (begin, end))
            if (at and self.taken[at - 1][1] > begin) or (at < len(self.taken) and self.taken[at][0] < end):
                raise FormatError(f"the tensor {name[:80]!r} lies at {offsets}, where another does")
            self.taken.insert(at, (begin, end))
        return np.frombuffer(self.data, dtype, math.prod(shape), self.start + begin).reshape(shape)


def _place(layers, entry, blob):
    """Enter a blob as number so-and-so of its layer."""
    number, blobs = entry.get("number"), layers.setdefault(entry["layer"], {})
    if type(number) is not int or not 0 <= number < MAX_PARTS or number in blobs:
        raise FormatError(f"a parameter number {number!r}, or twice that number", layer=entry["layer"])
    blobs[number] = blob
