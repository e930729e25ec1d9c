"""Reads weights: a binary caffemodel of any age without copying its payload, or HDF5.

A caffemodel is a NetParameter whose layers hold blobs. Where the blobs are depends on the age of the file:
V2 ``layer.blobs``, V1 ``layers.blobs``, V0 ``layers.layer.blobs``. The file is mapped into memory and walked
(wire.py); arrays are views on the mapping.
"""

import mmap
import os
import stat
from dataclasses import dataclass

import numpy as np
from google.protobuf.message import DecodeError

from ..errors import FormatError
from .messages import decode, messages
from .upgrade import V0_TYPES, V1_TYPES, upgrade_net
from .wire import FIXED32, FIXED64, LENGTH, VARINT, fields, run_length, signed, varint

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
MAX_AXES = 32  # Caffe's limit for a blob
MANY_RUNS = 4096  # of numbers in a blob, before they are put together
MAX_PARTS = 200_000  # layers and blobs of one file: far beyond any net, below what would fill the memory

# numbers of fields: see proto/caffe.proto
NET_LAYER, NET_LAYERS = 100, 2
V2_NAME, V2_TYPE, V2_BLOBS = 1, 2, 7
V1_NAME, V1_TYPE, V1_BLOBS, V1_LAYER = 4, 5, 6, 1
V0_NAME, V0_TYPE, V0_BLOBS = 1, 2, 50
BLOB_LEGACY = (1, 2, 3, 4)  # num, channels, height, width
BLOB_DATA, BLOB_SHAPE, BLOB_DOUBLE, BLOB_RAW_TYPE, BLOB_RAW = 5, 7, 8, 10, 12
BLOB_PAYLOAD = (5, 6, 8, 9, 12, 13)  # data and diff, in each of their forms
RAW_TYPES = {0: "<f8", 1: "<f4", 2: "<f2", 3: "<i4", 4: "<u4"}  # BlobProto.Type


@dataclass(frozen=True, eq=False)
class Blob:
    """One parameter array as a file has it.

    shape : tuple of int
        As the file says; four numbers (num, channels, height, width) when ``legacy``.
    legacy : bool
        The shape was given in the old way, and Caffe then matches it leniently: the net's shape, filled up with
        ones from the left, must be the same.
    array : float32 ndarray of one axis
        The values as they lie in the file. Their number may differ from what the shape says; whoever uses the blob
        checks that. Not necessarily aligned or contiguous. Writable, and writing never reaches the file.
    """

    shape: tuple
    legacy: bool
    array: np.ndarray

    @property
    def size(self):
        """How many values there are."""
        return self.array.size


@dataclass(frozen=True, eq=False)
class LayerWeights:
    """The blobs of one layer of a file; ``type`` is today's name of it ("" when the file does not say).

    In HDF5 and compact files, which may leave out a parameter that is shared, the place of one that is not there holds
    None. Those of compact files may be of :class:`~scalpel_rt.caffe.compact.PackedBlob`.
    """

    name: str
    type: str
    blobs: list


class Weights:
    """What a weights file holds.

    path : str
    kind : "binary", "hdf5" or "compact"
        Caffe's rules for copying differ between the first two; the third follows those of the second.
    format : "V0", "V1", "V2", "HDF5" or "compact"
        The age of the file; "V2" too when it has no layers.
    layers : list of LayerWeights
        In file order, names may repeat.
    """

    def __init__(self, path, kind, format, layers, data=None):
        self.path = path
        self.kind = kind
        self.format = format
        self.layers = layers
        self._data = data

    def __repr__(self):
        return f"<Weights {self.path!r}: {self.format}, {len(self.layers)} layers>"

    def read_net(self):
        """The net that a binary file describes besides its weights, upgraded to V2, its blobs without data.

        Many files hold only names and blobs; HDF5 files give an empty net. Fields of forks that clash with Caffe's
        are left out. Raises FormatError where the old net cannot be upgraded.
        """
        made = messages("any").NetParameter()
        if self._data is None:
            return made
        try:
            _read_skeleton(self._data, made)
            _decode_strings(made)
            return upgrade_net(made)
        except FormatError as error:
            raise error.locate(file=self.path) from None
        except UnicodeDecodeError:
            raise FormatError("a string that is not UTF-8", file=self.path) from None


def read_weights(path, limits=None):
    """Read the weights in a file; whether it is HDF5, compact or binary its content decides, as in Caffe.

    Returns Weights. The arrays of a binary file are views on the file, mapped privately, so loading takes about as
    long as opening; the file must not be cut short while they are in use (replacing it is fine). Raises FormatError
    for anything that is neither, LimitError for HDF5 that would take more than ``limits`` (a Limits) permits, OSError
    where it cannot be read.
    """
    with open(path, "rb") as file:
        data = _map(file)
    if _is_hdf5(data):
        from .hdf5 import read_hdf5

        return read_hdf5(path, limits)
    from .compact import is_compact, read_compact

    if is_compact(path):
        return read_compact(path, limits=limits)[1]
    try:
        format, layers = _read_net(data)
    except FormatError as error:
        raise _explained(error, data).locate(file=str(path)) from None
    return Weights(str(path), "binary", format, layers, data)


def read_blobproto(path):
    """Read a file of one BlobProto, as mean.binaryproto: a float32 array of the blob's shape."""
    with open(path, "rb") as file:
        data = _map(file)
    try:
        blob = _read_blob(data, 0, len(data))
        count = int(np.prod(blob.shape, dtype=object))
        if count != blob.array.size:
            raise FormatError(f"{blob.array.size} values for the shape {blob.shape}")
    except FormatError as error:
        raise _explained(error, data).locate(file=str(path)) from None
    return np.array(blob.array, np.float32).reshape(blob.shape)


def _map(file):
    try:
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode) and file.seek(0, 2) == 0:
            raise FormatError("the file is empty")
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    except FormatError as error:
        raise error.locate(file=str(file.name)) from None
    except (OSError, ValueError) as error:      # a device, a pipe
        raise FormatError(f"cannot be mapped, as weights are: {error}", file=str(file.name)) from None


def _is_hdf5(data):
    """As HDF5 defines it: the signature at byte 0, or 512, 1024, 2048 ... behind a block of somebody else's."""
    place = 0
    while place < len(data):
        if data[place:place + len(HDF5_MAGIC)] == HDF5_MAGIC:
            return True
        place = 2 * place or 512
    return False


def _explained(error, data):
    head = data[:512]
    if all(byte in b"\t\r\n" or 32 <= byte < 127 for byte in head):
        return FormatError("this is text, perhaps a prototxt, not a binary caffemodel")
    return FormatError(f"not a caffemodel, or a damaged one: {error.message}", layer=error.layer)


def _read_net(data):
    """(format, [LayerWeights]) of a binary NetParameter."""
    layers, formats, parts, known = [], set(), 0, False
    for number, kind, start, _, stop in fields(data, 0, len(data)):
        known = known or number <= 8 or number == NET_LAYER
        if kind != LENGTH or number not in (NET_LAYER, NET_LAYERS):
            continue
        if number == NET_LAYER:
            formats.add("V2")
            layer = _read_layer(data, start, stop)
        else:
            layer, format = _read_old_layer(data, start, stop)
            formats.add(format)
        layers.append(layer)
        parts += 1 + len(layer.blobs)
        if parts > MAX_PARTS:
            raise FormatError(f"more than {MAX_PARTS} layers and blobs")
    if not known:
        raise FormatError("no field of a net in it")
    if "V2" in formats and len(formats) > 1:
        raise FormatError("both `layer` and `layers` in one file: it is of no one format")
    return min(formats, default="V2"), layers


def _read_layer(data, start, stop):
    name, type, blobs = "", "", []
    for number, kind, value, _, end in fields(data, start, stop):
        if kind != LENGTH:
            continue
        if number == V2_NAME:
            name = decode(data[value:end])
        elif number == V2_TYPE:
            type = decode(data[value:end])
        elif number == V2_BLOBS:
            _note_blob(blobs, value, end, name)
    return LayerWeights(name, type, _read_blobs(data, blobs, name))


def _read_old_layer(data, start, stop):
    """(LayerWeights, "V1" or "V0"): a layer of `layers`, which is V0 when it holds another, `layer`."""
    name, type, blobs, format = "", "", [], "V1"
    for number, kind, value, _, end in fields(data, start, stop):
        if number == V1_TYPE and kind == VARINT:
            type = V1_TYPES.get(value, "")
        elif kind != LENGTH:
            continue
        elif number == V1_NAME:
            name = decode(data[value:end])
        elif number == V1_BLOBS:
            _note_blob(blobs, value, end, name)
        elif number == V1_LAYER:
            format = "V0"
            for number0, kind0, value0, _, end0 in fields(data, value, end):
                if kind0 != LENGTH:
                    continue
                if number0 == V0_NAME:
                    name = decode(data[value0:end0])
                elif number0 == V0_TYPE:
                    type = V0_TYPES.get(decode(data[value0:end0]), "")
                elif number0 == V0_BLOBS:
                    _note_blob(blobs, value0, end0, name)
    return LayerWeights(name, type, _read_blobs(data, blobs, name)), format


def _note_blob(places, start, stop, layer):
    if len(places) == MAX_PARTS:
        raise FormatError(f"more than {MAX_PARTS} blobs in one layer", layer=layer)
    places.append((start, stop))


def _read_blobs(data, places, layer):
    try:
        return [_read_blob(data, start, stop) for start, stop in places]
    except FormatError as error:
        raise error.locate(layer=layer) from None


def _read_blob(data, start, stop):
    """The BlobProto in ``data[start:stop]``; of its payloads counts raw_data, double_data, data, in this order."""
    shape, legacy, raw_type, raw = [], {}, 1, None
    runs = {BLOB_DATA: _Runs(), BLOB_DOUBLE: _Runs()}
    position = start
    while position < stop:  # the walk starts anew after each run of numbers that are not packed
        for number, kind, value, key, end in fields(data, position, stop):
            position = end
            if kind == LENGTH and number in runs:
                runs[number].add(_packed(data, value, end, 4 if number == BLOB_DATA else 8))
            elif kind in (FIXED32, FIXED64):
                count = run_length(data, key, end, stop) if value == key + 1 else 1
                if number in runs and kind == (FIXED32 if number == BLOB_DATA else FIXED64):
                    runs[number].add(_view(data, value, count, end - value, end - key))
                position = key + count * (end - key)
                break
            elif number == BLOB_SHAPE and kind == LENGTH:
                _read_dims(data, value, end, shape)
            elif number in BLOB_LEGACY and kind == VARINT:
                legacy[number] = signed(value)
            elif number == BLOB_RAW_TYPE and kind == VARINT:
                raw_type = value
            elif number == BLOB_RAW and kind == LENGTH:
                raw = (value, end)
    if legacy:
        shape = [legacy.get(number, 0) for number in BLOB_LEGACY]
    if any(dim < 0 for dim in shape):
        raise FormatError(f"a blob of the shape {tuple(shape)}")
    return Blob(tuple(shape), bool(legacy), _payload(data, runs, raw, raw_type))


class _Runs:
    """Numbers that come in pieces, each of which takes more memory than the few numbers that it may hold."""

    def __init__(self):
        self.arrays, self._whole = [], 0

    def add(self, array):
        if array.size:
            self.arrays.append(array)
        if len(self.arrays) - self._whole > MANY_RUNS:
            self.arrays[self._whole:] = [np.concatenate(self.arrays[self._whole:])]
            self._whole += 1


def _read_dims(data, start, stop, shape):
    for number, kind, value, _, end in fields(data, start, stop):
        if number == 1 and kind == VARINT:
            shape.append(signed(value))
        elif number == 1 and kind == LENGTH:
            while value < end:
                dim, value = varint(data, value, end)
                shape.append(signed(dim))
                if len(shape) > MAX_AXES:
                    break
        if len(shape) > MAX_AXES:
            raise FormatError(f"a blob of more than {MAX_AXES} axes")


def _payload(data, runs, raw, raw_type):
    if raw is not None:
        dtype = RAW_TYPES.get(raw_type)
        if dtype is None:
            raise FormatError(f"raw data of the unknown type {raw_type}")
        arrays = [_packed(data, *raw, np.dtype(dtype).itemsize, dtype)]
    else:
        arrays = runs[BLOB_DOUBLE].arrays or runs[BLOB_DATA].arrays
    array = arrays[0] if len(arrays) == 1 else np.concatenate(arrays or [np.empty(0, np.float32)])
    with np.errstate(over="ignore"):  # a double beyond float32 becomes infinite, as in Caffe
        return array.astype(np.float32, copy=False)


def _packed(data, start, stop, width, dtype=None):
    count, rest = divmod(stop - start, width)
    if rest:
        raise FormatError(f"{stop - start} bytes of data at byte {start}, not a multiple of {width}")
    return _view(data, start, count, width, width, dtype)


def _view(data, start, count, width, stride, dtype=None):
    if count == 0:
        return np.empty(0, np.float32)
    return np.ndarray((count,), dtype or f"<f{width}", data, start, (stride,))


def _decode_strings(message):
    """Make str of all strings in a message; protobuf leaves those that are not UTF-8 as bytes."""
    for field, value in message.ListFields():
        if field.type == field.TYPE_STRING:
            if isinstance(value, bytes):
                setattr(message, field.name, decode(value))
            elif not isinstance(value, str):
                for i, one in enumerate(value):
                    if isinstance(one, bytes):
                        value[i] = decode(one)
        elif field.type == field.TYPE_MESSAGE:
            for one in value if hasattr(value, "add") else [value]:
                _decode_strings(one)


def _read_skeleton(data, net):
    """Parse all of a binary net but the data of its blobs into ``net``."""
    head = bytearray()
    for number, kind, start, key, stop in fields(data, 0, len(data)):
        if kind == LENGTH and number in (NET_LAYER, NET_LAYERS):
            layer = (net.layer if number == NET_LAYER else net.layers).add()
            _read_layer_skeleton(data, start, stop, layer, V2_BLOBS if number == NET_LAYER else V1_BLOBS)
        elif number in net.DESCRIPTOR.fields_by_number:
            head += data[key:stop]
    _merge(net, bytes(head))


def _read_layer_skeleton(data, start, stop, layer, blobs):
    for number, kind, value, key, end in fields(data, start, stop):
        if kind == LENGTH and number == blobs:
            _read_blob_skeleton(data, value, end, layer.blobs.add())
        elif kind == LENGTH and number == V1_LAYER and blobs == V1_BLOBS:
            _read_layer_skeleton(data, value, end, layer.layer, V0_BLOBS)
        elif number in layer.DESCRIPTOR.fields_by_number:
            name = layer.DESCRIPTOR.fields_by_number[number].name
            _merge(layer, data[key:end], optional=name.endswith("_param"))


def _read_blob_skeleton(data, start, stop, blob):
    rest, position = bytearray(), start
    while position < stop:
        for number, kind, value, key, end in fields(data, position, stop):
            position = end
            if number not in BLOB_PAYLOAD:
                rest += data[key:end]
            elif kind in (FIXED32, FIXED64) and value == key + 1:
                position = key + run_length(data, key, end, stop) * (end - key)
                break
    _merge(blob, bytes(rest))


def _merge(message, data, optional=False):
    """Parse ``data`` into ``message``; what is ``optional`` and does not parse is a fork's, and is left out."""
    if optional:
        try:
            type(message).FromString(data)
        except DecodeError:
            return
    try:
        message.MergeFromString(data)
    except DecodeError as error:
        raise FormatError(f"a damaged {message.DESCRIPTOR.name}: {error}") from None
