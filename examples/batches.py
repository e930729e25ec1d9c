"""The accuracy of LeNet-5 on the digits that come along, in batches.

    python examples/batches.py [batch size]
"""

import sys
from pathlib import Path

import numpy as np

import scalpel_rt.pycaffe as caffe

LENET = Path(__file__).resolve().parents[1] / "models" / "lenet5"


def main(argv=None):
    argv = sys.argv[1:] if argv is None else argv
    batch = int(argv[0]) if argv else 64

    net = caffe.Net(str(LENET / "deploy.prototxt"), str(LENET / "weights.caffemodel"), caffe.TEST)
    net.blobs["data"].reshape(batch, 1, 28, 28)
    net.reshape()
    for name, blob in net.blobs.items():
        print(f"{name:8}{tuple(blob.shape)}")

    digits = np.load(LENET / "digits.npz")
    images = digits["images"][:, np.newaxis] / np.float32(256)
    out = net.forward_all(data=images)      # the last batch is filled up, and what that gives is cut off
    right = (out["prob"].argmax(1) == digits["labels"]).sum()
    print(f"{right} of {len(images)} right, {100.0 * right / len(images):.2f} %")


if __name__ == "__main__":
    main()
