"""VideoData: the frames of a video or a camera."""

from ._data import Data, image_shape
from ._registry import register


@register
class VideoData(Data):
    """Nothing -> frames (N, 3, H, W) [, labels (N)]: inputs here."""

    type = "VideoData"
    origin = "SSD"

    def parse(self, message):
        p = message.video_data_param
        self.source = p.video_file or f"camera {p.device_id}"

    def shapes(self, bottoms):
        batch = self.message.data_param.batch_size
        return self.tops_of(image_shape(batch, self.message.transform_param, channels=3), (batch,))
