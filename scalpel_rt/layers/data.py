"""Data: records of an LMDB or LevelDB."""

from ._data import Data as Input
from ._data import image_shape
from ._registry import register


@register
class Data(Input):
    """Nothing -> images (N, C, H, W) [, labels (N)]: inputs here."""

    type = "Data"

    def parse(self, message):
        self.source = message.data_param.source

    def shapes(self, bottoms):
        p = self.message.data_param
        images = image_shape(p.batch_size, self.message.transform_param, channels=3 if p.force_encoded_color else 0)
        return self.tops_of(images, (p.batch_size,))
