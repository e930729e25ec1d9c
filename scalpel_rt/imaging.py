"""From image files to network input: what ``classification.bin`` and ``caffe.Classifier`` do before the first layer.

Images are float32 arrays (H, W, C), RGB, 0 to 1, as pycaffe holds them; :class:`Preprocess` makes (C, H, W) blobs.
"""

import struct
import warnings
import zlib
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from .errors import FormatError, LimitError, OptionsError, ScalpelError, ShapeError

#: What is read: formats that are pixels alone (Pillow hands PostScript to another program).
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
MAX_PIXELS = 89_478_485     # of one image, Pillow's own idea of too many: a gigabyte as float32


@contextmanager
def open_image(path):
    """The Pillow image in a file, its pixels not yet read; FormatError for what is none, here and inside the block."""
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as e:
        raise OptionsError("reading images needs Pillow: pip install 'scalpel-rt[image]'") from e
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)     # MAX_PIXELS is that bound
            picture = Image.open(path, formats=FORMATS)
        with picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise LimitError(f"{picture.width} x {picture.height} pixels, more than {MAX_PIXELS}", file=str(path))
            yield picture
    except FileNotFoundError as e:
        raise FormatError("no such file", file=str(path)) from e
    except UnidentifiedImageError as e:
        raise FormatError(f"is no image of the formats {', '.join(FORMATS)}", file=str(path)) from e
    except (PermissionError, IsADirectoryError):
        raise
    except (OSError, ValueError, SyntaxError, TypeError, EOFError, struct.error, zlib.error, OverflowError, LookupError,
            Image.DecompressionBombError) as e:     # Pillow's, for all that is damaged
        if isinstance(e, ScalpelError):
            raise
        raise FormatError(f"cannot be read as an image: {e}", file=str(path)) from e


def load_image(path, color=True, grey=(0.299, 0.587, 0.114)):
    """An image file as float32 (H, W, 3) RGB, or (H, W, 1) grey, from 0 to 1; FormatError when it is not an image,
    LimitError for more than MAX_PIXELS.

    ``grey`` are the weights of red, green and blue where a colour image is made grey; OpenCV's are the default.
    """
    with open_image(path) as picture:
        deep = picture.mode.startswith("I")  # grey of 16 bits
        pixels = np.asarray(picture if deep else picture.convert("L" if picture.mode in ("1", "L") else "RGB"))
    pixels = pixels.astype(np.float32) / np.float32(65535 if deep else 255)
    if pixels.ndim == 2:
        return np.repeat(pixels[:, :, None], 3 if color else 1, axis=2)
    return pixels if color else (pixels @ np.array(grey, np.float32))[:, :, None]


def resize(image, size):
    """``image`` (H, W, C) scaled to ``size`` = (h, w), bilinear with pixel centres aligned and edges repeated."""
    from scipy.ndimage import zoom

    if image.shape[:2] == tuple(size):
        return image.astype(np.float32, copy=False)
    if min(size) < 1 or min(image.shape[:2]) < 1:
        raise ShapeError(f"cannot resize an image of shape {image.shape} to {tuple(size)}")
    factors = (size[0] / image.shape[0], size[1] / image.shape[1], 1)
    return zoom(image, factors, order=1, mode="nearest", grid_mode=True).astype(np.float32, copy=False)


def center_crop(image, size):
    """The middle (h, w) of an image (H, W, C)."""
    (h, w), (big_h, big_w) = size, image.shape[:2]
    if h > big_h or w > big_w:
        raise ShapeError(f"cannot crop {tuple(size)} from an image of shape {image.shape}")
    top, left = (big_h - h) // 2, (big_w - w) // 2
    return image[top : top + h, left : left + w]


def oversample(images, size):
    """Ten crops of each image: the four corners and the middle, then the same mirrored; (10*N, h, w, C)."""
    h, w = size
    crops = []
    for image in images:
        big_h, big_w = image.shape[:2]
        if h > big_h or w > big_w:
            raise ShapeError(f"cannot crop {tuple(size)} from an image of shape {image.shape}")
        corners = [(y, x) for y in (0, big_h - h) for x in (0, big_w - w)]
        five = [image[y : y + h, x : x + w] for y, x in corners] + [center_crop(image, size)]
        crops += five + [crop[:, ::-1] for crop in five]
    return np.stack(crops).astype(np.float32)


@dataclass(frozen=True)
class Preprocess:
    """Image (H, W, C) to blob (C, H, W), in Caffe's order of steps.

    channel_swap : order of channels, (2, 1, 0) for BGR; None keeps RGB
    raw_scale : multiplied before the mean is taken off (255 for nets trained on bytes)
    mean : per channel (C,) or a whole (C, h, w), in the swapped order
    scale : multiplied last (Caffe's input_scale)
    """

    channel_swap: tuple = None
    raw_scale: float = 1.0
    mean: object = None
    scale: float = 1.0

    def __call__(self, image):
        blob = np.array(image, np.float32).transpose(2, 0, 1)
        if self.channel_swap is not None:
            if sorted(self.channel_swap) != list(range(len(blob))):
                raise ShapeError(
                    f"channel swap {tuple(self.channel_swap)} does not fit an image of shape {np.shape(image)}"
                )
            blob = blob[list(self.channel_swap)]
        blob = blob * np.float32(self.raw_scale)
        if self.mean is not None:
            mean = np.asarray(self.mean, np.float32)
            mean = mean[:, None, None] if mean.ndim == 1 else mean
            if mean.shape[0] not in (1, len(blob)) or (mean.shape[1:] != (1, 1) and mean.shape[1:] != blob.shape[1:]):
                raise ShapeError(f"a mean of shape {np.shape(self.mean)} does not fit an input of shape {blob.shape}")
            blob = blob - mean
        return np.ascontiguousarray(blob * np.float32(self.scale))
