"""scalpel-rt classify: image files in, labels out."""


import numpy as np

from ..arrays import load_arrays
from ..errors import FormatError, OptionsError, ShapeError
from ..imaging import Preprocess, center_crop, load_image, oversample, resize
from ._common import as_json, load, net_arguments, read_labels, run_arguments, table

SUMMARY = "Classify image files"
EXAMPLE = """  scalpel-rt classify deploy.prototxt net.caffemodel cat.jpg --mean 104,117,123 --bgr --raw-scale 255 \\
      --labels synset_words.txt --top 5"""


def arguments(parser):
    """Declare the options."""
    net_arguments(parser, weights="required")
    parser.add_argument("images", nargs="+", help="image files")
    run_arguments(parser)
    parser.add_argument(
        "--mean", help="per channel (104,117,123), or a .binaryproto or .npy file; cropped to the input"
    )
    parser.add_argument("--raw-scale", type=float, default=255.0, help="pixels are 0..1 times this (default: 255)")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplied after the mean is taken off (default: 1)")
    parser.add_argument("--bgr", action="store_true", help="the net wants blue, green, red")
    parser.add_argument("--resize", metavar="H,W", help="scale images to this first (default: the input's size)")
    parser.add_argument(
        "--crops",
        choices=("center", "10"),
        default="center",
        help="after --resize: the middle, or the mean over ten crops",
    )
    parser.add_argument("--labels", help="class names, one a line")
    parser.add_argument("--top", type=int, default=5, help="how many answers (default: 5)")
    parser.add_argument("--output-blob", help="which blob holds the scores (default: the net's only output)")
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def run(args):
    """Carry it out."""
    net = load(args)
    if len(net.inputs) != 1:
        raise OptionsError(f"classify wants a net with one input, not {', '.join(net.inputs) or 'none'}")
    if args.top < 1:
        raise OptionsError(f"--top must be at least 1, not {args.top}")
    shape = net.blobs[net.inputs[0]].shape
    if len(shape) != 4 or shape[1] not in (1, 3):
        raise ShapeError(f"the input {net.inputs[0]} has shape {shape}; images want (N, 1 or 3, H, W)")
    size = shape[2:]
    bigger = _size(args.resize) if args.resize else size
    prepare = Preprocess(
        channel_swap=(2, 1, 0) if args.bgr and shape[1] == 3 else None,
        raw_scale=args.raw_scale,
        mean=_mean(args.mean, size),
        scale=args.scale,
    )
    labels = read_labels(args.labels) if args.labels else None
    results = []
    for path in args.images:
        image = resize(load_image(path, color=shape[1] == 3), bigger)
        crops = oversample([image], size) if args.crops == "10" else [center_crop(image, size)]
        out = net.forward({net.inputs[0]: np.stack([prepare(crop) for crop in crops])})
        results.append((path, _scores(net, out, args.output_blob, len(crops))))
    if args.json:
        print(as_json([{"image": path, "classes": _top(scores, labels, args.top)} for path, scores in results]))
        return 0
    for i, (path, scores) in enumerate(results):
        print(("\n" if i else "") + path)
        print(
            table(
                [(f"{a['score']:.4f}", a["class"], a.get("label", "")) for a in _top(scores, labels, args.top)],
                ("score", "class", "label"),
                right=(0, 1),
            )
        )
    return 0


def _scores(net, out, blob, crops):
    if blob is None and len(out) != 1:
        raise OptionsError(f"the net has {len(out)} outputs, {', '.join(out)}: pick one with --output-blob")
    name = blob or next(iter(out))
    if name not in out and name not in net.blobs:
        raise OptionsError(f"the net has no blob {name}; it has {', '.join(net.blobs)}")
    scores = np.asarray(out[name] if name in out else net.blobs[name].data)
    if scores.shape[0] != crops:
        raise ShapeError(f"blob {name} has shape {scores.shape}: not one row of scores for each image")
    return scores.reshape(crops, -1).mean(0)


def _top(scores, labels, top):
    rows = []
    for i in np.argsort(-scores, kind="stable")[:top]:
        row = {"score": float(scores[i]), "class": int(i)}
        if labels is not None and i < len(labels):
            row["label"] = labels[i]
        rows.append(row)
    return rows


def _size(text):
    try:
        dims = tuple(int(d) for d in text.replace("x", ",").split(","))
    except ValueError:
        dims = ()
    if len(dims) == 1:
        dims *= 2
    if len(dims) != 2 or min(dims) < 1:
        raise OptionsError(f"--resize wants 256 or 256,256, not {text!r}")
    return dims


def _mean(text, size):
    if text is None:
        return None
    try:
        return np.array([float(v) for v in text.split(",")], np.float32)
    except ValueError:
        pass
    if text.endswith(".npy"):
        mean = next(iter(load_arrays(text).values()), None)
        if mean is None or mean.dtype.kind not in "fiub":
            raise FormatError("holds no array of numbers", file=text)
    else:
        from ..caffe import read_blobproto

        mean = read_blobproto(text)
    if mean.ndim not in (1, 3, 4) or mean.ndim == 4 and len(mean) != 1:
        raise FormatError(f"a mean is (C,), (C, H, W) or (1, C, H, W), not {mean.shape}", file=text)
    mean = mean.reshape(mean.shape[-3:])
    if mean.ndim == 3 and mean.shape[1:] != tuple(size):
        mean = center_crop(mean.transpose(1, 2, 0), size).transpose(2, 0, 1)
    return mean
