"""AnnotatedData: images with boxes, from an LMDB."""

from ._data import Data, image_shape
from ._registry import register


@register
class AnnotatedData(Data):
    """Nothing -> images (N, C, H, W), boxes (1, 1, B, 8) [item, label, instance, xmin, ymin, xmax, ymax, difficult]:
    inputs here."""

    type = "AnnotatedData"
    origin = "SSD"
    one_batch = False

    def parse(self, message):
        self.source = message.data_param.source

    def shapes(self, bottoms):
        batch = self.message.data_param.batch_size
        return self.tops_of(image_shape(batch, self.message.transform_param), (1, 1, 0, 8))
