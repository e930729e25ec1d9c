"""Layers that read data bases or images for training: here their tops are inputs of the net, fed by the caller.

What the net tells about their shapes is used; what it does not tell is left open (0 for a dimension, None for all).
The images come as the net would see them: the ``transform_param`` (mean, scale, crop, mirror) is not applied.
"""

from ._base import Layer
from ._forks import given


class Data(Layer):
    """An input instead of a data base. Subclasses give :meth:`shapes`."""

    bottoms = (0, 0)
    tops = (1, 2)
    is_input = True
    one_batch = True
    source = ""

    @property
    def note(self):
        tops = " and ".join(repr(top) for top in self.message.top)
        where = f" {self.source!r}" if self.source else ""
        return f"{self.type} would read{where}: feed {tops} instead, already transformed"

    def tops_of(self, data, label):
        """The shapes of the tops that there are."""
        return [data, label][:len(self.message.top)]


def image_shape(batch, transform, height=0, width=0, channels=0):
    """(N, C, H, W) of transformed images, 0 for what is not told.

    The crop decides the size, then a resize (SSD's), then ``height`` and ``width``; ``force_color``, ``force_gray`` and
    the count of mean values tell the channels.
    """
    if not channels:
        channels = 3 if transform.force_color else 1 if transform.force_gray else 0
        if not channels and len(transform.mean_value) > 1:
            channels = len(transform.mean_value)
    resize = given(transform, "resize_param")
    if resize is not None:
        height, width = resize.height, resize.width
    if given(transform, "crop_h", 0) and given(transform, "crop_w", 0):
        height, width = transform.crop_h, transform.crop_w
    if transform.crop_size:
        height = width = transform.crop_size
    return batch, channels, height, width

