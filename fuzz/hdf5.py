"""HDF5: weights, and HDF5Data's rows. Most of what is tried is libhdf5's own reading."""

import io

import h5py
import numpy as np

import scalpel_rt as srt
from scalpel_rt.caffe import read_weights

from ._nets import refused_or, small

ROWS = 'layer {{ name: "d" type: "HDF5Data" top: "data" hdf5_data_param {{ source: "{}" batch_size: 3 }} }}'


def seeds():
    rows = io.BytesIO()
    with h5py.File(rows, "w") as file:
        file["data"] = np.arange(24, dtype=np.float32).reshape(4, 6)
    packed = io.BytesIO()
    with h5py.File(packed, "w") as file:
        file.create_dataset("data/ip/0", data=np.eye(8), chunks=(4, 4), compression="gzip", shuffle=True)
    return small("*.h5") + small("*h5_content*") + [rows.getvalue(), packed.getvalue()]


def once(data, scratch):
    path = scratch / "f.h5"
    path.write_bytes(data)
    weights = refused_or(read_weights, path)
    if weights is not None:
        taken = sum(blob.array.nbytes for layer in weights.layers for blob in layer.blobs if blob)
        assert taken <= 4200 * len(data) + 2**20
    (scratch / "list").write_text(str(path))
    (scratch / "net").write_text(ROWS.format(scratch / "list"))
    net = refused_or(srt.load, scratch / "net")
    if net is not None and not net.inputs:
        refused_or(net.forward)
