"""MemoryData: what a program hands over."""

from ..errors import GraphError
from ._data import Data
from ._registry import register


@register
class MemoryData(Data):
    """Nothing -> data (N, C, H, W), labels (N): inputs here, fed by name."""

    type = "MemoryData"
    tops = (2, 2)

    @property
    def note(self):
        return None

    def parse(self, message):
        p = message.memory_data_param
        self.shape = p.batch_size, p.channels, p.height, p.width
        if 0 in self.shape:
            raise GraphError(f"memory_data_param needs batch_size, channels, height, width above 0, not {self.shape}")

    def shapes(self, bottoms):
        return self.tops_of(self.shape, self.shape[:1])
