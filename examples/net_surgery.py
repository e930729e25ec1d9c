"""Net surgery: make a net with fully connected layers fully convolutional, so that it takes images of any size.

    python examples/net_surgery.py OUTPUT_FOLDER        # LeNet-5, slid over a row of digits
    python examples/net_surgery.py OUTPUT_FOLDER deploy.prototxt net.caffemodel

A fully connected layer on a blob of C x H x W is a convolution with kernels of H x W; one on N numbers, a convolution
with kernels of 1 x 1. The weights are the same numbers in the same order.
"""

import argparse
from pathlib import Path

import numpy as np
from google.protobuf import text_format

import scalpel_rt.pycaffe as caffe
from scalpel_rt.pycaffe.proto import caffe_pb2

LENET = Path(__file__).resolve().parents[1] / "models" / "lenet5"


def convolutional(net, message):
    """Turn the InnerProduct layers of a NetParameter into convolutions, called fc-conv instead of fc. Returns
    {new name: old name}."""
    renamed = {}
    for layer in message.layer:
        if layer.type != "InnerProduct":
            continue
        shape = net.blobs[net.bottom_names[layer.name][0]].shape
        old, layer.type = layer.inner_product_param, "Convolution"
        new = layer.convolution_param
        new.num_output, new.bias_term = old.num_output, old.bias_term
        new.kernel_h, new.kernel_w = shape[2:] if len(shape) == 4 else (1, 1)
        layer.ClearField("inner_product_param")
        renamed[layer.name + "-conv"] = layer.name
        layer.name += "-conv"
    return renamed


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output")
    parser.add_argument("model", nargs="?", default=str(LENET / "deploy.prototxt"))
    parser.add_argument("weights", nargs="?", default=str(LENET / "weights.caffemodel"))
    args = parser.parse_args(argv)
    output = Path(args.output)

    # 1. The description: read it, change the layers, write it.
    net = caffe.Net(args.model, args.weights, caffe.TEST)
    message = caffe_pb2.NetParameter()
    text_format.Merge(Path(args.model).read_text(), message)
    renamed = convolutional(net, message)
    (output / "full_conv.prototxt").write_text(str(message))

    # 2. The weights: layers of the same name are loaded, those that were renamed are filled by hand.
    full = caffe.Net(str(output / "full_conv.prototxt"), args.weights, caffe.TEST)
    for new, old in renamed.items():
        for there, here in zip(full.params[new], net.params[old]):  # noqa: B905
            print(f"{new} {tuple(there.data.shape)} from {old} {tuple(here.data.shape)}")
            there.data.flat = here.data.flat
    full.save(str(output / "full_conv.caffemodel"))

    # 3. On an image of the old size, both say the same.
    name = net.inputs[0]
    image = np.random.RandomState(0).rand(*net.blobs[name].data.shape)
    one = net.forward(**{name: image})[net.outputs[0]]
    other = full.forward(**{name: image})[full.outputs[0]]
    print(f"largest difference on one image: {abs(one.ravel() - other.ravel()).max():.2g}")

    # 4. On a larger one, the new net gives a map of answers.
    if args.model == str(LENET / "deploy.prototxt"):
        row = np.concatenate([np.load(LENET / "digits.npz")["images"][i] for i in (0, 40, 100)], axis=1)
        wide = row[np.newaxis, np.newaxis] / np.float32(256)
    else:
        wide = np.random.RandomState(0).rand(1, *np.multiply(net.blobs[name].data.shape[1:], (1, 2, 2)))
    full.blobs[name].reshape(*wide.shape)
    full.reshape()
    answers = full.forward(**{name: wide})[full.outputs[0]][0].argmax(axis=0)
    height, width = wide.shape[2:]
    print(f"an image of {height} x {width} gives a map of {answers.shape[0]} x {answers.shape[1]} classes:")
    for line in answers:
        print("  " + " ".join(map(str, line)))


if __name__ == "__main__":
    main()
