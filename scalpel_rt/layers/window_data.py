"""WindowData: windows of images, as R-CNN is trained on them."""

from ._data import Data
from ._registry import register


@register
class WindowData(Data):
    """Nothing -> windows (N, 3, crop_size, crop_size), labels (N): inputs here."""

    type = "WindowData"
    tops = (2, 2)

    def parse(self, message):
        self.source = message.window_data_param.source

    def shapes(self, bottoms):
        p = self.message.window_data_param
        size = self.message.transform_param.crop_size or p.crop_size
        return self.tops_of((p.batch_size, 3, size, size), (p.batch_size,))
