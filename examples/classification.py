"""Classify images: the most probable classes of each.

    python examples/classification.py                                   # two of the digits that come along
    python examples/classification.py deploy.prototxt net.caffemodel cat.jpg --dims 256 256 --mean 104,117,123 \
        --raw-scale 255 --bgr --labels synset_words.txt
"""

import argparse
from pathlib import Path

import numpy as np

import scalpel_rt.pycaffe as caffe

LENET = Path(__file__).resolve().parents[1] / "models" / "lenet5"


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default=str(LENET / "deploy.prototxt"))
    parser.add_argument("weights", nargs="?", default=str(LENET / "weights.caffemodel"))
    parser.add_argument("images", nargs="*")
    parser.add_argument("--dims", type=int, nargs=2, help="resize images to this height and width, then crop")
    parser.add_argument("--mean", help="a number for each channel, as 104,117,123, or a .npy file")
    parser.add_argument("--raw-scale", type=float, help="255 for nets trained on bytes")
    parser.add_argument("--input-scale", type=float)
    parser.add_argument("--bgr", action="store_true", help="the net wants blue, green, red")
    parser.add_argument("--center", action="store_true", help="one crop of each image, not ten")
    parser.add_argument("--labels", help="a file with a class on each line")
    parser.add_argument("--top", type=int, default=3)
    args = parser.parse_args(argv)

    caffe.set_mode_cpu()
    mean = None
    if args.mean:
        mean = np.load(args.mean) if args.mean.endswith(".npy") else np.array(args.mean.split(","), float)
    net = caffe.Classifier(args.model, args.weights, image_dims=args.dims, mean=mean, input_scale=args.input_scale,
                           raw_scale=args.raw_scale, channel_swap=(2, 1, 0) if args.bgr else None)

    color = net.blobs[net.inputs[0]].channels == 3
    if args.images:
        names, images = args.images, [caffe.io.load_image(name, color) for name in args.images]
    else:
        digits = np.load(LENET / "digits.npz")
        names = [f"a {digit}" for digit in digits["labels"][[0, -1]]]
        images = [digits["images"][i][:, :, np.newaxis] / np.float32(256) for i in (0, -1)]

    labels = Path(args.labels).read_text().splitlines() if args.labels else None
    ten_crops = bool(args.images) and not args.center    # half of them mirrored, which digits do not survive
    for name, scores in zip(names, net.predict(images, oversample=ten_crops)):  # noqa: B905
        print(name)
        for i in scores.reshape(-1).argsort()[::-1][:args.top]:
            print(f"  {scores.reshape(-1)[i]:.4f}  {labels[i] if labels else i}")


if __name__ == "__main__":
    main()
