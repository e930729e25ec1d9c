"""A net written in Python: LeNet with as many blocks as you like, and the same for training.

    python examples/net_spec.py lenet.prototxt [maps of the blocks ...]
"""

import sys

import numpy as np

import scalpel_rt.pycaffe as caffe
from scalpel_rt.pycaffe import layers as L  # noqa: N812
from scalpel_rt.pycaffe import params as P  # noqa: N812


def block(bottom, maps):
    conv = L.Convolution(bottom, kernel_size=5, pad=2, num_output=maps, weight_filler=dict(type="xavier"),
                         param=[dict(lr_mult=1), dict(lr_mult=2)])
    return conv, L.ReLU(conv, in_place=True), L.Pooling(conv, kernel_size=2, stride=2, pool=P.Pooling.MAX)


def lenet(maps, lmdb=None, batch_size=64):
    """The net: for running, or for training on a data base."""
    n = caffe.NetSpec()
    if lmdb:
        n.data, n.label = L.Data(batch_size=batch_size, backend=P.Data.LMDB, source=lmdb,
                                 transform_param=dict(scale=1.0 / 256), ntop=2)
    else:
        n.data = L.Input(shape=dict(dim=[1, 1, 28, 28]))
    top = n.data
    for i, number in enumerate(maps, 1):
        n[f"conv{i}"], n[f"relu{i}"], n[f"pool{i}"] = block(top, number)
        top = n[f"pool{i}"]
    n.score = L.InnerProduct(top, num_output=10, weight_filler=dict(type="xavier"))
    if lmdb:
        n.loss = L.SoftmaxWithLoss(n.score, n.label)
    else:
        n.prob = L.Softmax(n.score)
    return n.to_proto()


def main(argv=None):
    argv = sys.argv[1:] if argv is None else argv
    path, maps = argv[0], [int(number) for number in argv[1:]] or [20, 50]
    with open(path, "w") as f:
        f.write('name: "LeNet"\n' + str(lenet(maps)))
    with open(path.replace(".prototxt", "_train.prototxt"), "w") as f:
        f.write(str(lenet(maps, lmdb="mnist_train_lmdb")))

    net = caffe.Net(path, caffe.TEST)
    for name, blobs in net.params.items():
        print(name, *(tuple(blob.data.shape) for blob in blobs))
    out = net.forward(data=np.random.rand(1, 1, 28, 28))
    print("prob", out["prob"].shape, "sums to", out["prob"].sum().round(4))


if __name__ == "__main__":
    main()
