"""scalpel-rt train: train or retrain a net on labelled data."""

import sys

import numpy as np

from ..caffe import is_compact
from ..errors import located
from ..files import atomic_write
from ._common import as_json, load, net_arguments, place, si, table
from ._training import Progress, data_arguments, import_torch, open_parts, recipe_arguments, recipe_of

SUMMARY = "Train a net, or go on from its weights (needs the extra `train`)"
EXAMPLE = """  scalpel-rt train models/lenet5/deploy.prototxt --data mnist/ --output lenet5.caffemodel \\
      --epochs 20 --lr 0.05 --schedule cosine --augment shift"""


def arguments(parser):
    """Declare the options."""
    net_arguments(parser)
    parser.add_argument("--output", "-o", required=True, type=place, help="the .caffemodel to write")
    parser.add_argument("--checkpoint", type=place,
                        help="file to write after each epoch, and to go on from if it is there")
    parser.add_argument("--solver",
                        help="take the recipe from a Caffe solver prototxt; --batch is the net's batch there")
    parser.add_argument("--log", type=place, help="write the log as JSON")
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    data_arguments(parser)
    recipe_arguments(parser)


def run(args):
    """Carry it out."""
    torch = import_torch(args.threads)
    from ..net import Net
    from ..train.loop import accuracy, fit
    from ..train.masks import zeros_held
    from ..train.to_torch import TorchNet, from_torch

    data, test = open_parts(args)
    recipe = _recipe(args, len(data))
    torch.manual_seed(recipe.seed)
    net = load(args)
    module = TorchNet(net.graph)
    print(f"{data.name}: {len(data)} samples of {data.shape}, {len(test) if test else 0} to test; "
          f"{si(sum(w.numel() for w in module.weights.values()))} weights", file=sys.stderr)
    hooks = zeros_held(module) if args.weights or is_compact(args.prototxt) else []     # fillers may make zeros, too
    if hooks:
        zeros = sum(int((~mask).sum()) for mask in hooks[0].masks.values())
        print(f"{si(zeros)} weights are zero, and stay so", file=sys.stderr)
    log = fit(module, data, recipe, test=test, hooks=hooks, progress=Progress(recipe.epochs),
              checkpoint=args.checkpoint, device=args.device)
    mean = data.transform.mean
    result = {"recipe": recipe.as_dict(), "mean": None if mean is None else np.ravel(mean).tolist(),
              "scale": data.transform.scale, "log": log}
    if test is not None:
        result["accuracy"] = accuracy(module, test, recipe, device=args.device)
    Net(from_torch(net.graph, module)).save(caffemodel=args.output)
    if args.log:
        with atomic_write(args.log, "w") as f:
            f.write(as_json(result))
    if args.json:
        print(as_json({"weights": args.output, **result}))
        return 0
    print(table([("weights", args.output), ("epochs", len(log)),
                 *([("accuracy", f"{result['accuracy']:.2f} %")] if test is not None else [])], ("result", "")))
    return 0


def _recipe(args, samples):
    """The Recipe of a solver file, or the default one, with what the command line says instead."""
    from ..train.recipe import Recipe, from_solver

    if not args.solver:
        return recipe_of(args, Recipe())
    from ..caffe import read_prototxt

    with located(file=args.solver):
        base = from_solver(read_prototxt(args.solver, message="SolverParameter"), samples, args.batch or Recipe().batch)
    args.batch = None
    return recipe_of(args, base)
