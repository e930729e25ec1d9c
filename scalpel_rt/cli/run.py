"""scalpel-rt run: arrays in, arrays out."""

from pathlib import Path

import numpy as np

from ..arrays import save_arrays
from ..errors import OptionsError
from ._common import input_arguments, load, net_arguments, place, read_inputs, run_arguments, table

SUMMARY = "Run a net on arrays from .npz or .npy files"
EXAMPLE = """  scalpel-rt run deploy.prototxt net.caffemodel --input x.npy --output y.npz
  scalpel-rt run deploy.prototxt net.caffemodel --random --blobs conv1,pool5 --output blobs.npz"""


def arguments(parser):
    """Declare the options."""
    net_arguments(parser)
    run_arguments(parser)
    input_arguments(parser)
    parser.add_argument("--random", action="store_true", help="fill the inputs with numbers from 0 to 1, seed 0")
    parser.add_argument("--output", "-o", type=place, metavar="FILE",
                        help="where to write the outputs: .npz, or .npy for one blob")
    parser.add_argument("--blobs", default="", help="also these blobs, separated by commas; 'all' for every one")


def run(args):
    """Carry it out."""
    net = load(args)
    feed = read_inputs(args, net)
    if args.random:
        rng = np.random.RandomState(0)
        for name in net.inputs:
            feed.setdefault(name, rng.rand(*net.blobs[name].shape).astype(np.float32))
    missing = [name for name in net.inputs if name not in feed]
    if missing:
        raise OptionsError(f"no data for input {', '.join(missing)}: give --input or --random")
    results = dict(net.forward(feed))
    names = list(net.blobs) if args.blobs == "all" else [n for n in args.blobs.split(",") if n]
    for name in names:
        if name not in net.blobs:
            raise OptionsError(f"the net has no blob {name}; it has {', '.join(net.blobs)}")
        results[name] = np.array(net.blobs[name].data)
    print(table([(n, "x".join(map(str, a.shape)) or "scalar", f"{a.min():.6g}", f"{a.mean():.6g}", f"{a.max():.6g}")
                 if a.size else (n, "x".join(map(str, a.shape)), "-", "-", "-") for n, a in results.items()],
                ("blob", "shape", "min", "mean", "max"), right=(2, 3, 4)))
    if args.output:
        if Path(args.output).suffix == ".npy" and len(results) != 1:
            raise OptionsError(f"{args.output} can hold one array, there are {len(results)}; write to .npz")
        save_arrays(args.output, results)
    return 0
