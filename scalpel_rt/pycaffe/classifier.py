"""caffe.Classifier: images in, class probabilities out."""

import numpy as np

from ..errors import ShapeError
from ..imaging import center_crop
from . import io
from .net import TEST, Net


class Classifier(Net):
    """A net with its preparation of images.

    Parameters
    ----------
    model_file, pretrained_file : path
    image_dims : (int, int), optional
        Images are resized to this height and width, then cropped to the net's input. Default: the input's own.
    mean, input_scale, raw_scale, channel_swap : optional
        See :class:`scalpel_rt.pycaffe.io.Transformer`.
    """

    def __init__(self, model_file, pretrained_file, image_dims=None, mean=None, input_scale=None, raw_scale=None,
                 channel_swap=None):
        super().__init__(model_file, TEST, weights=pretrained_file)
        self.transformer = make_transformer(self, mean, input_scale, raw_scale, channel_swap)
        self.crop_dims = np.array(self.blobs[self.inputs[0]].shape[2:])
        self.image_dims = self.crop_dims if image_dims is None or not len(image_dims) else np.array(image_dims)

    def predict(self, inputs, oversample=True):
        """Class probabilities (N, classes) of N images (H, W, C).

        oversample : bool
            The mean over ten crops of each: corners and middle, and these mirrored. Else the middle alone.
        """
        images = [io.resize_image(im, self.image_dims) for im in inputs]
        if not images:
            raise ShapeError("there is no image to classify")
        if oversample:
            images = io.oversample(images, self.crop_dims)
        else:
            images = [center_crop(im, self.crop_dims) for im in images]
        name = self.inputs[0]
        data = np.stack([self.transformer.preprocess(name, im) for im in images])
        found = self.forward_all(**{name: data})[self.outputs[0]]
        return found.reshape(len(found) // 10, 10, -1).mean(1) if oversample else found


def make_transformer(net, mean, input_scale, raw_scale, channel_swap):
    """The Transformer for images (H, W, C) of a net's first input."""
    name = net.inputs[0]
    made = io.Transformer({name: net.blobs[name].shape})
    made.set_transpose(name, (2, 0, 1))
    if mean is not None:
        made.set_mean(name, mean)
    if input_scale is not None:
        made.set_input_scale(name, input_scale)
    if raw_scale is not None:
        made.set_raw_scale(name, raw_scale)
    if channel_swap is not None:
        made.set_channel_swap(name, channel_swap)
    return made
