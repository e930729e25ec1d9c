"""ImageData: image files named in a list."""

from ._data import Data, image_shape
from ._registry import register


@register
class ImageData(Data):
    """Nothing -> images (N, C, H, W), labels (N): inputs here."""

    type = "ImageData"
    tops = (2, 2)

    def parse(self, message):
        self.source = message.image_data_param.source

    def shapes(self, bottoms):
        p = self.message.image_data_param
        images = image_shape(p.batch_size, self.message.transform_param, p.new_height, p.new_width,
                             3 if p.is_color else 1)
        return self.tops_of(images, (p.batch_size,))
