"""DenseImageData: images with a label for each pixel."""

from ._data import Data, image_shape
from ._registry import register


@register
class DenseImageData(Data):
    """Nothing -> images (N, C, H, W), labels (N, 1, H, W): inputs here."""

    type = "DenseImageData"
    origin = "SegNet"
    tops = (2, 2)

    def parse(self, message):
        self.source = message.dense_image_data_param.source

    def shapes(self, bottoms):
        p = self.message.dense_image_data_param
        batch, channels, height, width = image_shape(p.batch_size, self.message.transform_param, p.new_height,
                                                     p.new_width, 3 if p.is_color else 1)
        return self.tops_of((batch, channels, height, width), (batch, 1, height, width))
