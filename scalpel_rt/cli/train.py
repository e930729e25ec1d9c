"""scalpel-rt train: train or retrain a net on labelled data."""

import json
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np

from ..datasets import open_data
from ..errors import OptionsError
from ..files import atomic_write
from ._common import load, net_arguments, si, table

SUMMARY = "Train a net, or go on from its weights (needs the extra `train`)"
EXAMPLE = """  scalpel-rt train models/lenet5/deploy.prototxt --data mnist/ --output lenet5.caffemodel \\
      --epochs 20 --lr 0.05 --schedule cosine --augment shift"""


def arguments(parser):
    """Declare the options."""
    net_arguments(parser)
    parser.add_argument("--data", required=True, help="folder with MNIST idx files, CIFAR binaries or class folders; or .npz")
    parser.add_argument("--test-data", help="scored after each epoch (default: the other part of --data, where there is one)")
    parser.add_argument("--mean", default="", help="taken off each channel: 104,117,123, or 'auto' for the training data's own")
    parser.add_argument("--scale", type=float, help="multiplied after that (default: 1/256 for MNIST, else 1)")
    parser.add_argument("--output", "-o", required=True, help="the .caffemodel to write")
    parser.add_argument("--checkpoint", help="file to write after each epoch, and to go on from if it is there")
    parser.add_argument("--solver", help="take the recipe from a Caffe solver prototxt; --batch is the net's batch there")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, … (default: cpu)")
    parser.add_argument("--threads", type=int, help="threads for torch")
    parser.add_argument("--log", help="write the log as JSON")
    recipe = parser.add_argument_group("recipe")
    for name, kind in (("epochs", float), ("batch", int), ("lr", float), ("momentum", float), ("weight-decay", float),
                       ("schedule", str), ("gamma", float), ("warmup", float), ("augment", str), ("loss", str), ("seed", int)):
        recipe.add_argument(f"--{name}", type=kind)
    recipe.add_argument("--steps", type=lambda t: tuple(float(v) for v in t.split(",")), help="epochs: 10,20")
    recipe.add_argument("--nesterov", action="store_true", default=None)


def run(args):
    """Carry it out."""
    torch = import_torch()
    from ..net import Net
    from ..train.loop import accuracy, fit
    from ..train.to_torch import TorchNet, from_torch

    if args.threads:
        torch.set_num_threads(args.threads)
    data, test = open_parts(args)
    recipe = read_recipe(args, len(data))
    torch.manual_seed(recipe.seed)
    net = load(args)
    module = TorchNet(net.graph)
    print(f"{data.name}: {len(data)} samples of {data.shape}, {len(test) if test else 0} to test; "
          f"{si(sum(w.numel() for w in module.weights.values()))} weights", file=sys.stderr)
    log = fit(module, data, recipe, test=test, progress=show(recipe), checkpoint=args.checkpoint, device=args.device)
    result = {"recipe": recipe.as_dict(), "mean": np.ravel(data.transform.mean).tolist() if data.transform.mean is not None else None,
              "scale": data.transform.scale, "log": log}
    if test is not None:
        result["accuracy"] = accuracy(module, test, recipe, device=args.device)
    Net(from_torch(net.graph, module)).save(caffemodel=args.output)
    if args.log:
        with atomic_write(args.log, "w") as f:
            json.dump(result, f, indent=1)
    print(table([("weights", args.output), ("epochs", len(log)),
                 *([("accuracy", f"{result['accuracy']:.2f} %")] if test is not None else [])], ("result", "")))
    return 0


def import_torch():
    """torch, or an error that names the extra."""
    try:
        import torch
    except ImportError as e:
        raise OptionsError("training needs PyTorch: pip install 'scalpel-rt[train]'") from e
    return torch


def open_parts(args):
    """(training data, test data or None) with the transform that the arguments ask for."""
    data = open_data(args.data, train=True)
    same = Path(args.data).is_dir() and args.test_data is None
    test = open_data(args.data, train=False) if same else open_data(args.test_data) if args.test_data else None
    changes = {}
    if args.mean == "auto":
        axes = (0, *range(2, data.images.ndim))
        changes["mean"] = data.images.mean(axes, dtype=np.float64).astype(np.float32).reshape(-1, *[1] * (data.images.ndim - 2))
    elif args.mean:
        try:
            changes["mean"] = np.array([float(v) for v in args.mean.split(",")], np.float32).reshape(-1, *[1] * (data.images.ndim - 2))
        except ValueError:
            raise OptionsError(f"--mean wants numbers such as 104,117,123 or auto, not {args.mean!r}") from None
    if args.scale is not None:
        changes["scale"] = args.scale
    return data.with_transform(**changes), test.with_transform(**changes) if test is not None else None


def read_recipe(args, samples):
    """The Recipe of a solver file, or the default one, with what the command line says instead."""
    from ..train.recipe import Recipe, from_solver

    given = {f.name: getattr(args, f.name) for f in fields(Recipe) if getattr(args, f.name, None) is not None}
    base = Recipe()
    if args.solver:
        from ..caffe import read_prototxt

        base = from_solver(read_prototxt(args.solver, message="SolverParameter"), samples, args.batch or base.batch)
        given.pop("batch", None)
    return base.but(**given)


def show(recipe):
    """A progress callback that rewrites one line on a terminal, and prints a line an epoch elsewhere."""
    live = sys.stderr.isatty()
    spent = []

    def progress(row):
        if "seconds" in row:
            spent.append(row["seconds"])
            left = max(recipe.epochs - row["epoch"], 0) * sum(spent) / len(spent)
            text = f"epoch {row['epoch']:g} of {recipe.epochs:g}  loss {row['loss']:.4f}"
            text += f"  accuracy {row['accuracy']:.2f} %" if "accuracy" in row else ""
            print(("\r\x1b[K" if live else "") + text + f"  {left / 60:.1f} min left", file=sys.stderr)
        elif live:
            print(f"\r\x1b[Kepoch {row['epoch']:.2f}  loss {row['loss']:.4f}", end="", file=sys.stderr, flush=True)

    return progress
