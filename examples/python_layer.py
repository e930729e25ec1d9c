"""A layer written in Python, between Caffe's own: entropy of the class probabilities, how unsure the net is.

    python examples/python_layer.py

Caffe finds the class by the names in the prototxt, so this file must be on the PYTHONPATH (a script's folder is).
"""

import json
from pathlib import Path

import numpy as np

import scalpel_rt.pycaffe as caffe

LENET = Path(__file__).resolve().parents[1] / "models" / "lenet5"


class Entropy(caffe.Layer):
    """Probabilities (N, C) -> entropy (N) in bits, or in units that param_str says: {"base": 10}."""

    def setup(self, bottom, top):
        if len(bottom) != 1 or len(top) != 1:
            raise Exception("Entropy has one bottom and one top")
        self.base = json.loads(self.param_str)["base"] if self.param_str else 2

    def reshape(self, bottom, top):
        top[0].reshape(bottom[0].num)

    def forward(self, bottom, top):
        p = np.maximum(bottom[0].data, 1e-30)
        top[0].data[...] = -(p * np.log(p)).sum(axis=1) / np.log(self.base)

    def backward(self, top, propagate_down, bottom):
        pass


LAYER = """
layer {
  name: "entropy" type: "Python" bottom: "prob" top: "entropy"
  python_param { module: "python_layer" layer: "Entropy" param_str: '{"base": 2}' }
}
"""


def main(folder="."):
    path = Path(folder) / "lenet_entropy.prototxt"
    path.write_text((LENET / "deploy.prototxt").read_text() + LAYER)
    net = caffe.Net(str(path), str(LENET / "weights.caffemodel"), caffe.TEST)

    digits = np.load(LENET / "digits.npz")
    images = digits["images"][:, np.newaxis] / np.float32(256)
    out = net.forward_all(blobs=["prob"], data=images)
    for i in out["entropy"].argsort()[::-1][:5]:
        taken = out["prob"][i].argmax()
        print(f"digit {i}, a {digits['labels'][i]}: taken for a {taken}, {out['entropy'][i]:.3f} bits")


if __name__ == "__main__":
    main()
