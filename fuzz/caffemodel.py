"""Binary caffemodels: weights, the net in the file, and BlobProtos."""

from scalpel_rt.caffe import read_blobproto, read_weights
from scalpel_rt.graph import build

from ._nets import refused_or, small


def seeds():
    return small("*.caffemodel") + small("*.binaryproto")


def once(data, scratch):
    path = scratch / "f.caffemodel"
    path.write_bytes(data)
    weights = refused_or(read_weights, path, also=() if data else (ValueError,))
    if weights is not None:
        assert sum(blob.array.nbytes for layer in weights.layers for blob in layer.blobs if blob) <= 2 * len(data) + 8
        net = refused_or(weights.read_net)
        if net is not None:
            refused_or(lambda: build(net, weights=weights))
    blob = refused_or(read_blobproto, path)
    assert blob is None or blob.nbytes <= 4 * len(data)
