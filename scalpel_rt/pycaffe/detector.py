"""caffe.Detector: class scores of windows of images, as in R-CNN (Girshick et al. 2014)."""

import numpy as np

from ..errors import ShapeError, UnsupportedError
from . import io
from .classifier import make_transformer
from .net import TEST, Net


class Detector(Net):
    """A net that scores windows of images.

    Parameters
    ----------
    model_file, pretrained_file : path
    mean, input_scale, raw_scale, channel_swap : optional
        See :class:`scalpel_rt.pycaffe.io.Transformer`.
    context_pad : int, optional
        So many pixels of what surrounds the window are shown to the net on each side of its input, which must be
        square; where that lies outside the image the input is the mean.
    """

    def __init__(self, model_file, pretrained_file, mean=None, input_scale=None, raw_scale=None, channel_swap=None,
                 context_pad=None):
        super().__init__(model_file, TEST, weights=pretrained_file)
        self.transformer = make_transformer(self, mean, input_scale, raw_scale, channel_swap)
        self.configure_crop(context_pad)

    def detect_windows(self, images_windows):
        """Score windows.

        images_windows : iterable of (image file, windows)
            Windows are (ymin, xmin, ymax, xmax) in pixels.

        Returns a list of dicts, one for each window: ``filename``, ``window``, ``prediction``.
        """
        name = self.inputs[0]
        found, data = [], []
        for filename, windows in images_windows:
            image = io.load_image(filename)
            for window in windows:
                data.append(self.transformer.preprocess(name, self.crop(image, window)))
                found.append({"window": window, "filename": filename})
        if not data:
            return []
        scores = self.forward_all(**{name: np.stack(data)})[self.outputs[0]]
        if scores.ndim == 4:
            scores = scores.squeeze(axis=(2, 3))
        return [{**entry, "prediction": score} for entry, score in zip(found, scores, strict=True)]

    def detect_selective_search(self, image_fnames):
        """Not here: the windows come from a program of MATLAB's that no package brings."""
        raise UnsupportedError("selective search is a program for MATLAB (selective_search_ijcv_with_python): find "
                               "windows in another way, and give them to detect_windows")

    def crop(self, im, window):
        """The part of an image (H, W, C) in a window, with its context where the detector was made so."""
        top, left, bottom, right = window = np.asarray(window)
        if not self.context_pad:
            part = im[int(top):int(bottom), int(left):int(right)]
            if 0 in part.shape:
                raise ShapeError(f"the window {tuple(window)} holds nothing of an image of shape {im.shape}")
            return part
        size = self.blobs[self.inputs[0]].shape[3]
        # The window, and so much around it that it leaves context_pad pixels free on each side of the net's input.
        half = np.array([bottom - top + 1, right - left + 1]) / 2
        center = np.array([top, left]) + half
        half = half * size / (size - 2 * self.context_pad)
        box = np.round([*(center - half), *(center + half)])
        scale = size / (box[2:] - box[:2] + 1)
        pad = np.round(np.maximum(0, -box[:2]) * scale).astype(int)
        clipped = np.clip(box, 0, [*im.shape[:2], *im.shape[:2]]).astype(int)
        if (clipped[2:] <= clipped[:2]).any():
            raise ShapeError(f"the window {tuple(window)} holds nothing of an image of shape {im.shape}")
        inside = np.round((clipped[2:] - clipped[:2] + 1) * scale).astype(int)
        height, width = np.minimum(inside, size - pad)
        made = np.array(self.crop_mean, np.float32)
        part = im[clipped[0]:clipped[2], clipped[1]:clipped[3]]
        made[pad[0]:pad[0] + height, pad[1]:pad[1] + width] = io.resize_image(part, (height, width))
        return made

    def configure_crop(self, context_pad):
        """Set the context, and work out the image that becomes zero: the mean, in the images' terms."""
        name = self.inputs[0]
        channels, height, width = self.blobs[name].shape[1:]
        if context_pad and height != width:
            raise ShapeError(f"context_pad needs a square input, not one of {height} x {width}")
        if context_pad and 2 * context_pad >= width:
            raise ShapeError(f"a context of {context_pad} pixels on both sides leaves nothing of an input of {width}")
        self.context_pad = context_pad
        zero = np.zeros((channels, height, width), np.float32)
        self.crop_mean = self.transformer.deprocess(name, zero).reshape(height, width, channels)
