"""Labelled data for training and accuracy figures: arrays, .npz, MNIST idx files, CIFAR binaries, image folders, and
datasets of the user's own, torch's among them.

:func:`open_data` turns what a user writes on a command line into a :class:`Dataset`; everything stays uint8 or float32
in memory as it was on disk, and pixels become network input only batch by batch (:class:`Transform`).
"""

import gzip
import math
import os
import struct
import sys
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from .arrays import DEFLATE, load_arrays
from .errors import DataError, FormatError, OptionsError, ShapeError
from .imaging import open_image

_IDX_TYPES = {
    8: np.uint8,
    9: np.int8,
    11: np.dtype(">i2"),
    12: np.dtype(">i4"),
    13: np.dtype(">f4"),
    14: np.dtype(">f8"),
}
MAX_AXES = 32
_IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".ppm", ".pgm"}


@dataclass(frozen=True)
class Transform:
    """What Caffe's ``transform_param`` does: ``(x - mean) * scale``; ``mean`` broadcasts against (C, H, W)."""

    scale: float = 1.0
    mean: object = None

    def __call__(self, batch):
        """float32 C-contiguous copy of ``batch`` (N, C, H, W), transformed."""
        out = np.array(batch, dtype=np.float32, order="C")
        if self.mean is not None:
            out -= np.asarray(self.mean, np.float32)
        if self.scale != 1.0:
            out *= np.float32(self.scale)
        return out


@dataclass(frozen=True)
class Dataset:
    """Samples and their answers.

    images : array (N, C, H, W) or (N, ...), uint8 or float32, or what can be indexed like one
    labels : int64 array (N,), or float32 (N, ...) for regression
    """

    images: np.ndarray
    labels: np.ndarray
    transform: Transform = Transform()
    name: str = "data"

    def __post_init__(self):
        if not self.images.ndim or not np.ndim(self.labels):
            raise ShapeError(f"{self.name}: samples of shape {self.images.shape} and labels of shape "
                             f"{np.shape(self.labels)}; both want a first axis that counts them")
        if len(self.images) != len(self.labels):
            raise ShapeError(
                f"{self.name}: {len(self.images)} samples of shape {self.images.shape} but "
                f"{len(self.labels)} labels of shape {self.labels.shape}"
            )
        if not len(self.images):
            raise ShapeError(f"{self.name} holds no samples: shape {self.images.shape}")
        for what, array in (("samples", self.images), ("labels", self.labels)):
            kind = getattr(array, "dtype", None)
            if isinstance(kind, np.dtype) and kind.kind not in "buif":
                raise DataError(f"{self.name}: {what} of {kind}, where numbers are wanted")

    def __len__(self):
        return len(self.images)

    @property
    def shape(self):
        """Shape of one sample."""
        return self.images.shape[1:]

    def take(self, index):
        """(x, y) for an index array or slice: x transformed float32, y as stored."""
        return self.transform(self.images[index]), self.labels[index]

    def batches(self, size, order=None):
        """Yield (x, y) in batches of ``size`` (the last may be smaller), in ``order`` or as stored."""
        for start in range(0, len(self), size):
            yield self.take(slice(start, start + size) if order is None else order[start : start + size])

    def with_transform(self, **changes):
        """The same data with another scale or mean; ShapeError for a mean that does not fit the samples."""
        changed = replace(self.transform, **changes)
        try:
            one = (1, *self.shape)
            fits = changed.mean is None or np.broadcast_shapes(np.shape(changed.mean), one) == one
        except ValueError:
            fits = False
        if not fits:
            raise ShapeError(f"{self.name}: a mean of shape {np.shape(changed.mean)} does not fit samples of "
                             f"{self.shape}")
        return replace(self, transform=changed)

    def subset(self, index):
        """The samples of an index array or slice, as a Dataset."""
        return replace(self, images=self.images[index], labels=self.labels[index])


def open_data(spec, train=False):
    """Open data by description.

    ``spec`` is a :class:`Dataset` (returned as it is), a tuple of arrays (images, labels), a dataset of the user's own
    (torch's, or whatever has a length and gives (sample, answer) for a number), or a string or path: a
    ``.npz`` with ``images`` (or ``x``, ``data``) and ``labels`` (or ``y``, ``label``); a folder with MNIST idx files
    (``.gz`` or not) or CIFAR binaries, of which ``train`` picks the part; or a folder with one folder of images for
    each class, in alphabetical order
    (``train/`` and ``test/`` or ``val/`` above them are found).
    """
    if isinstance(spec, Dataset):
        return spec
    if isinstance(spec, tuple) and len(spec) == 2:
        return Dataset(np.asarray(spec[0]), np.asarray(spec[1]))
    if not isinstance(spec, (str, os.PathLike)):
        return _of_items(spec)
    path = Path(spec)
    if not path.exists():
        raise OptionsError(f"no such data: {path}")
    if path.is_file():
        if path.suffix == ".npz":
            return read_npz(path)
        raise FormatError(
            "data files are .npz; MNIST and CIFAR are opened by the folder that holds them", file=str(path)
        )
    if list(path.glob("*-images*idx3-ubyte*")):
        return read_mnist(path, train)
    if list(path.glob("data_batch*.bin")) or (path / "test_batch.bin").exists():
        return read_cifar(path, train)
    return read_folder(path, train)


def _of_items(items):
    """A Dataset that asks for each sample when it is used, so that what a user's dataset does at random stays so.

    All are read once beforehand, for their answers.
    """
    if not (hasattr(items, "__len__") and hasattr(items, "__getitem__")):
        raise OptionsError(f"{type(items).__name__} has no length or cannot be asked for a sample by its number; "
                           "data that only run by cannot be shuffled")
    try:
        answers = [np.asarray(items[i][1]) for i in range(len(items))]
    except (TypeError, IndexError, KeyError) as error:
        raise DataError(f"{type(items).__name__} does not give (sample, answer) for a number: {error}") from None
    whole = bool(answers) and answers[0].dtype.kind in "iu"
    labels = np.stack(answers).astype(np.int64 if whole else np.float32) if answers else np.empty(0)
    return Dataset(_Samples(items), labels, name=type(items).__name__)


class _Samples:
    """The samples of a user's dataset, as if they were one array (N, ...)."""

    def __init__(self, items, order=None):
        self.items, self.order = items, np.arange(len(items)) if order is None else order
        self.shape = (len(self.order), *(np.shape(np.asarray(items[0][0])) if len(self.order) else ()))
        self.ndim = len(self.shape)

    def __len__(self):
        return len(self.order)

    def __getitem__(self, index):
        found = [np.asarray(self.items[int(i)][0], np.float32) for i in self.order[index]]
        odd = next((x.shape for x in found if x.shape != self.shape[1:]), None)
        if odd is not None:
            raise ShapeError(f"{type(self.items).__name__}: a sample of shape {odd}, but the first is {self.shape[1:]}")
        return np.stack(found)


def read_npz(path):
    """A ``.npz`` with images and labels under one of the usual names."""
    found = load_arrays(path)
    pick = []
    for names in (("images", "x", "data"), ("labels", "y", "label")):
        name = next((n for n in names if n in found), None)
        if name is None:
            raise FormatError(
                f"holds {', '.join(found) or 'nothing'}; wanted one of {', '.join(names)}", file=str(path)
            )
        pick.append(found[name])
    return Dataset(*pick, name=str(path))


def read_idx(path):
    """One MNIST idx file (gzip or not) as an array; FormatError when its header and its length disagree."""
    path = Path(path)
    with open(path, "rb") as packed:
        try:
            size = packed.seek(0, 2)
            packed.seek(0)
            zipped = packed.read(2) == b"\x1f\x8b"
            packed.seek(0)
            file = gzip.GzipFile(fileobj=packed) if zipped else packed
            head = file.read(4)
            if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _IDX_TYPES:
                raise FormatError("is not an idx file")
            if head[3] > MAX_AXES:
                raise FormatError(f"says that it has {head[3]} axes; {MAX_AXES} at most can be read")
            dims = file.read(4 * head[3])
            if len(dims) < 4 * head[3]:
                raise FormatError("is not an idx file: it ends within its header")
            shape = struct.unpack(f">{head[3]}I", dims)
            dtype = np.dtype(_IDX_TYPES[head[2]])
            if dtype.itemsize * math.prod(filter(None, shape)) > sys.maxsize:   # of no bytes, because of a 0
                raise FormatError(f"the header says shape {shape}, which no array can have")
            want = dtype.itemsize * math.prod(shape)
            if want > (DEFLATE if zipped else 1) * size:     # asked before so much memory is
                raise FormatError(f"the header says shape {shape}, {want} bytes, in a file of {size}")
            raw = file.read(want + 1)
        except FormatError as e:
            raise e.locate(file=str(path)) from None
        except (OSError, EOFError, zlib.error) as e:
            raise FormatError(f"cannot be read: {e}", file=str(path)) from e
    if len(raw) != want:
        raise FormatError(f"the header says shape {shape}, {want} bytes; {'more' if len(raw) > want else len(raw)} "
                          "follow", file=str(path))
    return np.frombuffer(raw, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def read_mnist(folder, train=False):
    """MNIST or Fashion-MNIST, images (N, 1, 28, 28) uint8, scaled by 1/256 as in Caffe's example."""
    part = "train" if train else "t10k"
    arrays = []
    for kind in ("images*idx3", "labels*idx1"):
        found = sorted(Path(folder).glob(f"{part}-{kind}-ubyte*"))
        if not found:
            raise FormatError(f"holds no {part}-{kind.replace('*', '-')}-ubyte", file=str(folder))
        array, axes = read_idx(found[0]), int(kind[-1])
        if array.ndim != axes:
            raise FormatError(f"holds an array of shape {array.shape}, where one of {axes} axes is wanted",
                              file=str(found[0]))
        arrays.append(array)
    return Dataset(arrays[0][:, None], arrays[1].astype(np.int64), Transform(scale=1 / 256), name=f"MNIST {part}")


def read_cifar(folder, train=False):
    """CIFAR-10 in its binary layout: images (N, 3, 32, 32) uint8, RGB planes."""
    found = sorted(Path(folder).glob("data_batch*.bin" if train else "test_batch.bin"))
    if not found:
        raise FormatError(f"holds no {'data_batch_*.bin' if train else 'test_batch.bin'}", file=str(folder))
    rows = []
    for path in found:
        raw = np.fromfile(path, np.uint8)
        if raw.size % 3073:
            raise FormatError(f"{raw.size} bytes are not a whole number of records of 3073", file=str(path))
        rows.append(raw.reshape(-1, 3073))
    rows = np.concatenate(rows)
    return Dataset(
        rows[:, 1:].reshape(-1, 3, 32, 32), rows[:, 0].astype(np.int64), name=f"CIFAR-10 {'train' if train else 'test'}"
    )


def read_folder(folder, train=False):
    """A folder with one folder of images, all of one size, for each class. Channels come out as BGR, as in Caffe.

    A class counts in all parts when one of them has it.
    """
    parts = [Path(folder) / name for name in ("train", "test", "val") if (Path(folder) / name).is_dir()]
    classes = sorted({p.name for part in parts or [Path(folder)] for p in part.iterdir() if p.is_dir()})
    wanted = ("train",) if train else ("test", "val")
    folder = next((part for name in wanted for part in parts if part.name == name), Path(folder))
    files = [(p, i) for i, name in enumerate(classes) for p in sorted((folder / name).rglob("*"))
             if p.suffix.lower() in _IMAGE_SUFFIXES]
    if not files:
        raise FormatError("holds no MNIST or CIFAR files and no folders of images", file=str(folder))
    images = []
    for path, _ in files:
        with open_image(path) as picture:
            image = np.asarray(picture.convert("RGB"))[:, :, ::-1].transpose(2, 0, 1)
        if images and image.shape != images[0].shape:
            raise ShapeError(f"is {image.shape}, but the first image is {images[0].shape}; resize them first").locate(
                file=str(path)
            )
        images.append(image)
    return Dataset(np.stack(images), np.array([label for _, label in files], np.int64), name=str(folder))
