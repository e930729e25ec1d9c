"""ConvolutionDepthwise: a convolution of each channel with its own kernel."""

from ..errors import ShapeError
from ._registry import register
from .convolution import Convolution


@register
class ConvolutionDepthwise(Convolution):
    """Convolution with as many groups as channels, whatever ``group`` says. Blobs: w (C, 1, *kernel) [, b (C)].

    Its authors let ``num_output`` go unread; here it must be the number of channels.
    """

    type = "ConvolutionDepthwise"
    origin = "soeaver's and many other forks"

    def parse(self, message):
        own = type(message)()
        own.CopyFrom(message)
        own.convolution_param.group = own.convolution_param.num_output
        super().parse(own)

    def geometry(self, shape):
        axis = self.axis(self.windows.axis, shape)
        if shape[axis] != self.num_output:
            raise ShapeError(f"num_output {self.num_output} must be the number of channels, {shape[axis]} in a bottom "
                             f"of shape {tuple(shape)}")
        return super().geometry(shape)
