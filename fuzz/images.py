"""Image files, as ``scalpel-rt classify`` reads them. Most of what is tried is Pillow's own reading."""

import io

import numpy as np
from PIL import Image

from scalpel_rt.imaging import Preprocess, center_crop, load_image, resize

from ._nets import refused_or


def seeds():
    rng = np.random.default_rng(0)
    made = []
    for mode, kind in [("RGB", "PNG"), ("L", "PNG"), ("P", "PNG"), ("RGBA", "PNG"), ("I;16", "PNG"), ("1", "PNG"),
                       ("RGB", "JPEG"), ("L", "JPEG"), ("CMYK", "JPEG"), ("RGB", "BMP"), ("P", "GIF"), ("RGB", "TIFF"),
                       ("RGB", "WEBP"), ("RGB", "PPM")]:
        pixels = rng.integers(0, 255, (12, 17, 3), np.uint8)
        picture = (Image.fromarray(pixels[..., 0].astype(np.uint16)) if mode == "I;16"
                   else Image.fromarray(pixels).convert(mode))
        file = io.BytesIO()
        picture.save(file, kind)
        made.append(file.getvalue())
    return made


def once(data, scratch):
    path = scratch / "image"
    path.write_bytes(data)
    for color in (True, False):
        image = refused_or(load_image, path, color)
        if image is None:
            continue
        assert image.ndim == 3 and image.shape[2] == (3 if color else 1) and image.dtype == np.float32
        assert 0 <= image.min() and image.max() <= 1
        if image.size < 10**6:
            blob = Preprocess(raw_scale=255.0)(center_crop(resize(image, (9, 9)), (8, 8)))
            assert blob.shape == (image.shape[2], 8, 8)
