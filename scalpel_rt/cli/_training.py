"""Arguments of the verbs that train: data, recipe, progress."""

import argparse
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np

from ..datasets import open_data
from ..errors import OptionsError
from ..options import MAX_THREADS

RECIPE = {"epochs": float, "batch": int, "lr": float, "momentum": float, "weight-decay": float, "schedule": str,
          "gamma": float, "power": float, "warmup": float, "augment": str, "crop": int, "precision": str, "loss": str,
          "seed": int}


def data_arguments(parser, required=True):
    """What to train on, and where."""
    data = parser.add_argument_group("data")
    data.add_argument("--data", required=required,
                      help="folder with MNIST idx files, CIFAR binaries or class folders; or .npz")
    data.add_argument("--test-data", help="to judge by (default: the other part of --data, where there is one)")
    data.add_argument("--mean", default="",
                      help="taken off each channel: 104,117,123, or 'auto' for the training data's own")
    data.add_argument("--scale", type=float, help="multiplied after that (default: 1/256 for MNIST, else 1)")
    data.add_argument("--device", default="cpu", help="cpu, cuda, … (default: cpu)")
    data.add_argument("--threads", type=int, help="threads for torch")


def recipe_arguments(parser, title="recipe"):
    """The numbers of a Recipe."""
    recipe = parser.add_argument_group(title)
    for name, kind in RECIPE.items():
        recipe.add_argument(f"--{name}", type=kind)
    recipe.add_argument("--steps", type=numbers, help="epochs: 10,20")
    recipe.add_argument("--nesterov", action="store_true", default=None)


def learn_arguments(parser):
    """What differs while mask layers learn which nodes are redundant."""
    parser.add_argument("--learn-epochs", dest="learn_epochs", type=float, help="of learning masks (default: 5)")
    parser.add_argument("--learn-lr", dest="learn_lr", type=float, help="of learning masks (default: 0.001)")


def learn_of(args, recipe):
    """The Recipe for learning masks: like ``recipe``, for retraining, but short and at a low, even rate."""
    return recipe_of(args, recipe.but(epochs=5, lr=0.001, schedule="fixed", warmup=0), "learn_")


def import_torch(threads=None):
    """torch, or an error that names the extra; it is given ``threads`` threads."""
    try:
        import torch
    except ImportError as e:
        raise OptionsError("training needs PyTorch: pip install 'scalpel-rt[train]'") from e
    if threads is not None:
        if not 1 <= threads <= MAX_THREADS:     # torch dies of some thousand
            raise OptionsError(f"--threads must be from 1 to {MAX_THREADS}, not {threads}")
        torch.set_num_threads(threads)
    return torch


def open_parts(args):
    """(training data, test data or None) with the transform that the arguments ask for."""
    data = open_data(args.data, train=True)
    same = Path(args.data).is_dir() and args.test_data is None
    test = open_data(args.data, train=False) if same else open_data(args.test_data) if args.test_data else None
    changes = {}
    if args.mean == "auto":
        axes = (0, *range(2, data.images.ndim))
        mean = data.images.mean(axes, dtype=np.float64).astype(np.float32)
        changes["mean"] = mean.reshape(-1, *[1] * (data.images.ndim - 2))
    elif args.mean:
        try:
            mean = np.array([float(v) for v in args.mean.split(",")], np.float32)
        except ValueError:
            raise OptionsError(f"--mean wants numbers such as 104,117,123 or auto, not {args.mean!r}") from None
        changes["mean"] = mean.reshape(-1, *[1] * (data.images.ndim - 2))
    if args.scale is not None:
        changes["scale"] = args.scale
    return data.with_transform(**changes), test.with_transform(**changes) if test is not None else None


def recipe_of(args, base, prefix=""):
    """``base`` with what the command line says instead; ``prefix`` stands before the options' names."""
    given = {f.name: getattr(args, prefix + f.name, None) for f in fields(base)}
    return base.but(**{name: value for name, value in given.items() if value is not None})


class Progress:
    """Shows a run: one line, rewritten, on a terminal, else a line for each epoch."""

    def __init__(self, epochs=None):
        self.live = sys.stderr.isatty()
        self.epochs = epochs        # of a run that does not tell what is left itself
        self.seconds = []

    def __call__(self, row):
        text = self._text(row)
        if "seconds" in row or "row" in row or "measuring" in row:
            print(("\r\x1b[K" if self.live else "") + text, file=sys.stderr)
        elif self.live:
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

    def _text(self, row):
        if "measuring" in row:
            return f"measuring {row['measuring']}"
        stage = f"stage {row['stage']} of {row['stages']}, " if "stage" in row else ""
        if "row" in row:
            return stage + _verdict(row["row"])
        text = f"{stage}{row.get('what', '')}".rstrip(", ")
        text += f"{' ' if text else ''}epoch {row['epoch']:.4g}" + (f" of {self.epochs:g}" if self.epochs else "")
        text += f"  loss {row['loss']:.4f}" if "loss" in row else ""
        text += f"  accuracy {row['accuracy']:.2f} %" if "accuracy" in row else ""
        left = row.get("left")
        if self.epochs and "seconds" in row:
            self.seconds.append(row["seconds"])
            left = max(self.epochs - row["epoch"], 0) * sum(self.seconds) / len(self.seconds)
        return text if left is None else f"{text}  {left / 60:.1f} min left"


def _verdict(row):
    if row.get("skipped"):
        return "nothing found to prune" if row["accepted"] else "left out"
    accuracy = "" if row["accuracy"] is None else f"accuracy {row['accuracy']:.2f} %, "
    return f"{accuracy}{row['nonzeros']} weights, {row['bytes']} bytes" + ("" if row["accepted"] else ": undone")


def numbers(text):
    """``10,20`` as a tuple of floats."""
    try:
        return tuple(float(v) for v in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not numbers such as 10,20") from None
