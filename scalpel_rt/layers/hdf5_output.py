"""HDF5Output: keeps data and labels in an HDF5 file."""

from ..caffe.hdf5 import new_hdf5
from ..errors import FormatError, ShapeError
from ._base import Layer
from ._registry import register


@register
class HDF5Output(Layer):
    """data (N, ...), label (N, ...) -> no top; the file ``file_name`` with the datasets "data" and "label", both 4-D.

    A net from somewhere must not overwrite files, so it is written only where the caller vouches for the net
    (``trusted``); otherwise the bottoms are read by nobody. Each forward makes the file anew, while Caffe ends with
    an error at the second.
    """

    type = "HDF5Output"
    bottoms = (2, 2)
    tops = (0, 0)

    def parse(self, message):
        self.file_name = message.hdf5_output_param.file_name

    @property
    def note(self):
        return None if self.trusted else f"{self.file_name!r} is not written: that needs allow_python=True"

    def shapes(self, bottoms):
        data, label = bottoms
        if max(len(data), len(label)) > 4:
            raise ShapeError(f"HDF5Output takes at most 4 axes, not the shapes {data} and {label}")
        if (*data, 1)[0] != (*label, 1)[0]:
            raise ShapeError(f"data {data} and labels {label} must have the same first dimension")
        return []

    def forward(self, bottoms, params):
        if self.trusted:
            if not self.file_name or "\0" in self.file_name:
                raise FormatError(f"cannot write a file named {self.file_name!r}")
            with new_hdf5(self.file_name) as file:
                for name, blob in zip(("data", "label"), bottoms, strict=True):
                    file.create_dataset(name, data=blob.reshape(blob.shape + (1,) * (4 - blob.ndim)))
        return []
