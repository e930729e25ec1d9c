"""What a net sees in images: one of its blobs for each of them, to a .npz file.

    python examples/feature_extraction.py features.npz --blob ip1       # of the digits that come along
    python examples/feature_extraction.py features.npz cat.jpg dog.jpg --blob fc7 --model deploy.prototxt \
        --weights net.caffemodel --mean 104,117,123
"""

import argparse
from pathlib import Path

import numpy as np

import scalpel_rt.pycaffe as caffe

LENET = Path(__file__).resolve().parents[1] / "models" / "lenet5"


def maker(net, blob):
    """The last layer that has the blob as a top: in-place layers after the first make it too."""
    return [layer for layer, tops in net.top_names.items() if blob in tops][-1]


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output")
    parser.add_argument("images", nargs="*")
    parser.add_argument("--blob", default="ip1")
    parser.add_argument("--model", default=str(LENET / "deploy.prototxt"))
    parser.add_argument("--weights", default=str(LENET / "weights.caffemodel"))
    parser.add_argument("--mean", help="BGR, 0 to 255, as 104,117,123")
    args = parser.parse_args(argv)

    net = caffe.Net(args.model, caffe.TEST, weights=args.weights)
    name = net.inputs[0]
    if args.images:
        # pycaffe's usual preparation: RGB from 0 to 1, height x width x channel, to BGR from 0 to 255, channel first
        transformer = caffe.io.Transformer({name: net.blobs[name].data.shape})
        transformer.set_transpose(name, (2, 0, 1))
        transformer.set_channel_swap(name, (2, 1, 0))
        transformer.set_raw_scale(name, 255)
        if args.mean:
            transformer.set_mean(name, np.array(args.mean.split(","), float))
        data = [transformer.preprocess(name, caffe.io.load_image(image)) for image in args.images]
    else:
        data = np.load(LENET / "digits.npz")["images"][:, np.newaxis] / np.float32(256)

    net.blobs[name].reshape(1, *net.blobs[name].data.shape[1:])
    last = maker(net, args.blob)
    features = []
    for image in data:
        net.blobs[name].data[...] = image
        net.forward(end=last)       # the rest of the net has no need to run
        features.append(net.blobs[args.blob].data[0].copy())    # a copy: the next forward writes to the same memory
    features = np.array(features)
    np.savez(args.output, features=features)
    print(f"{args.blob} of {len(features)} images: {features.shape}, mean {features.mean():.4f}")


if __name__ == "__main__":
    main()
