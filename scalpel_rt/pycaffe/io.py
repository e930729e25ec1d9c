"""caffe.io: images and mean files to blobs and back.

Images are float32 (H, W, C), RGB, from 0 to 1.
"""

import numpy as np

from .. import imaging
from ..errors import FormatError, GraphError, ShapeError
from ..imaging import oversample
from .proto import caffe_pb2

__all__ = [
    "Transformer", "array_to_blobproto", "array_to_datum", "arraylist_to_blobprotovector_str", "blobproto_to_array",
    "blobprotovector_str_to_arraylist", "datum_to_array", "load_image", "oversample", "resize_image",
]


# -- messages and arrays ---------------------------------------------------------------------------------------


def blobproto_to_array(blob, return_diff=False):
    """The ``data`` (or ``diff``) of a BlobProto as an array: float32, or float64 where the message holds doubles."""
    values = np.array((blob.double_diff or blob.diff) if return_diff else (blob.double_data or blob.data),
                      np.float64 if (blob.double_diff if return_diff else blob.double_data) else np.float32)
    if any(blob.HasField(field) for field in ("num", "channels", "height", "width")):
        shape = blob.num, blob.channels, blob.height, blob.width
    else:
        shape = tuple(blob.shape.dim)
    if np.prod(shape, dtype=object) != values.size:
        raise ShapeError(f"a BlobProto of shape {shape} holds {values.size} values")
    return values.reshape(shape)


def array_to_blobproto(arr, diff=None):
    """A BlobProto with the shape and values of ``arr``, and those of ``diff``."""
    arr = np.asarray(arr)
    blob = caffe_pb2.BlobProto()
    blob.shape.dim.extend(arr.shape)
    blob.data.extend(arr.astype(np.float32).ravel())
    if diff is not None:
        blob.diff.extend(np.asarray(diff).astype(np.float32).ravel())
    return blob


def arraylist_to_blobprotovector_str(arraylist):
    """The bytes of a BlobProtoVector of the arrays."""
    return caffe_pb2.BlobProtoVector(blobs=map(array_to_blobproto, arraylist)).SerializeToString()


def blobprotovector_str_to_arraylist(str):
    """The arrays in the bytes of a BlobProtoVector."""
    return [blobproto_to_array(blob) for blob in caffe_pb2.BlobProtoVector.FromString(str).blobs]


def array_to_datum(arr, label=None):
    """A Datum of an array (C, H, W): uint8 as bytes, everything else as floats."""
    arr = np.asarray(arr)
    if arr.ndim != 3:
        raise ShapeError(f"a Datum holds an array (C, H, W), not one of shape {arr.shape}")
    datum = caffe_pb2.Datum()
    datum.channels, datum.height, datum.width = arr.shape
    if arr.dtype == np.uint8:
        datum.data = arr.tobytes()
    else:
        datum.float_data.extend(arr.astype(np.float32).ravel())
    if label is not None:
        datum.label = int(label)
    return datum


def datum_to_array(datum):
    """The array (C, H, W) of a Datum: uint8, or float64 where it holds floats. Its label is ``datum.label``."""
    if datum.encoded:
        raise FormatError("the Datum holds a compressed image file: open its data with an image library")
    values = np.frombuffer(datum.data, np.uint8) if datum.data else np.array(datum.float_data, np.float64)
    shape = datum.channels, datum.height, datum.width
    if np.prod(shape, dtype=object) != values.size:
        raise ShapeError(f"a Datum of shape {shape} holds {values.size} values")
    return values.reshape(shape)


# -- images ----------------------------------------------------------------------------------------------------


def load_image(filename, color=True):
    """Read an image file: float32 (H, W, 3), or (H, W, 1) where ``color`` is False; from 0 to 1."""
    return imaging.load_image(filename, color, grey=(0.2125, 0.7154, 0.0721))


def resize_image(im, new_dims, interp_order=1):
    """An image (H, W, C) at the size ``new_dims`` = (h, w), float32.

    interp_order : int
        Of the spline: 0 nearest, 1 linear.

    As with scikit-image of Caffe's days, pixels are squares, nothing is blurred before it is made smaller, and where an
    image of 1 or 3 channels is made larger, what lies beyond its edge is its least value. Images with other numbers of
    channels are stretched from the middle of the first pixel to that of the last.
    """
    from scipy.ndimage import zoom

    im = np.asarray(im)
    if im.ndim != 3 or 0 in im.shape or min(new_dims) < 1:
        raise ShapeError(f"cannot resize an image of shape {im.shape} to {tuple(new_dims)}")
    factors = (new_dims[0] / im.shape[0], new_dims[1] / im.shape[1], 1)
    if im.shape[2] not in (1, 3):
        return zoom(im, factors, order=interp_order).astype(np.float32, copy=False)
    low, high = im.min(), im.max()
    if not high > low:
        return np.full((*new_dims, im.shape[2]), low, np.float32)
    resized = zoom(im.astype(np.float64), factors, order=interp_order, mode="grid-constant", cval=low, grid_mode=True)
    return np.clip(resized, low, high).astype(np.float32)


class Transformer:
    """Turns images into a net's inputs and back.

    inputs : dict
        {name of an input: its shape (N, C, H, W)}

    :meth:`preprocess` does, in this order, what was set: resizing to (H, W), transpose, channel_swap, raw_scale, mean,
    input_scale.
    """

    def __init__(self, inputs):
        self.inputs = inputs
        self.transpose, self.channel_swap, self.raw_scale, self.mean, self.input_scale = {}, {}, {}, {}, {}

    def preprocess(self, in_, data):
        """``data`` (H, W, C), or in the order that :meth:`set_transpose` was told, as float32 (C, H, W)."""
        self._check_input(in_)
        size = tuple(self.inputs[in_][2:])
        data = np.asarray(data)
        made = data.astype(np.float32, copy=False)
        if made.shape[:2] != size:
            made = resize_image(made, size)
        if in_ in self.transpose:
            made = made.transpose(self.transpose[in_])
        if in_ in self.channel_swap:
            made = made[list(self.channel_swap[in_]), :, :]
        made = np.array(made, np.float32)       # a copy in any case: the caller's image stays as it is
        if in_ in self.raw_scale:
            made *= self.raw_scale[in_]
        if in_ in self.mean:
            made -= self.mean[in_]
        if in_ in self.input_scale:
            made *= self.input_scale[in_]
        return made

    def deprocess(self, in_, data):
        """The reverse of :meth:`preprocess`, but for resizing."""
        self._check_input(in_)
        made = np.array(data, np.result_type(data, np.float32)).squeeze()
        if in_ in self.input_scale:
            made /= self.input_scale[in_]
        if in_ in self.mean:
            made += self.mean[in_]
        if in_ in self.raw_scale:
            made /= self.raw_scale[in_]
        if in_ in self.channel_swap:
            made = made[np.argsort(self.channel_swap[in_]), :, :]
        if in_ in self.transpose:
            made = made.transpose(np.argsort(self.transpose[in_]))
        return made

    def set_transpose(self, in_, order):
        """Order of axes that makes (C, H, W): (2, 0, 1) for images (H, W, C)."""
        self._check_input(in_)
        if len(order) != len(self.inputs[in_]) - 1:
            raise ShapeError(f"the transpose {tuple(order)} must have an axis for each of the input's "
                             f"{len(self.inputs[in_]) - 1} besides the batch")
        self.transpose[in_] = order

    def set_channel_swap(self, in_, order):
        """Order of channels: (2, 1, 0) for a net that wants BGR."""
        self._check_input(in_)
        if len(order) != self.inputs[in_][1]:
            raise ShapeError(f"the channel swap {tuple(order)} must have an entry for each of the input's "
                             f"{self.inputs[in_][1]} channels")
        self.channel_swap[in_] = order

    def set_raw_scale(self, in_, scale):
        """Factor before the mean: 255 for a net trained on bytes."""
        self._check_input(in_)
        self.raw_scale[in_] = scale

    def set_mean(self, in_, mean):
        """What is subtracted: a number for each channel (C), or an array (C, h, w) or (h, w), which is resized."""
        self._check_input(in_)
        mean, shape = np.asarray(mean), tuple(self.inputs[in_][1:])
        if mean.ndim == 1:
            if len(mean) != shape[0]:
                raise ShapeError(f"a mean of {len(mean)} channels does not fit an input of {shape[0]}")
            mean = mean[:, None, None]
        else:
            if mean.ndim == 2:
                mean = mean[None]
            if mean.ndim != 3 or (mean.shape[1:] != shape[1:] and mean.shape[0] != shape[0]):
                raise ShapeError(f"a mean of shape {mean.shape} does not fit an input of shape {shape}")
            if mean.shape[1:] != shape[1:]:
                mean = resize_image(mean.transpose(1, 2, 0), shape[1:]).transpose(2, 0, 1)
        self.mean[in_] = mean

    def set_input_scale(self, in_, scale):
        """Factor after the mean."""
        self._check_input(in_)
        self.input_scale[in_] = scale

    def _check_input(self, in_):
        if in_ not in self.inputs:
            raise GraphError(f"{in_!r} is none of the inputs {', '.join(map(repr, self.inputs))}")
