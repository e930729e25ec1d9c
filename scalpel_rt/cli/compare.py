"""scalpel-rt compare: what does pruning buy, on this machine, for this net?"""

import argparse
import shlex
import sys
import time
from dataclasses import replace

from ..comparing.methods import DEFAULT, METHODS, SPARSITIES
from ..errors import OptionsError
from ..peers import ENGINES
from ._common import load, net_arguments
from .report import outputs, show

SUMMARY = "Measure ways of pruning and running a net against each other, and against other engines, on this machine"
EXAMPLE = """  scalpel-rt compare lenet5
  scalpel-rt compare deploy.prototxt net.caffemodel --sparsity 0.7,0.9 --peers opencv,onnxruntime --threads 1,2 \\
      -o results.json -o results.html
  scalpel-rt compare deploy.prototxt net.caffemodel --data mnist/ --scale 0.00390625 --pruned small.safetensors
  scalpel-rt compare --paper -o paper.html
  scalpel-rt compare --from-benchmark .benchmarks/0001.json -o kernels.html

methods:
""" + "\n".join(f"  {name:<10} {about}" for name, (_, _, about) in METHODS.items())


def arguments(parser):
    """Declare the options."""
    net_arguments(parser, net="optional")
    what = parser.add_argument_group("what to measure")
    what.add_argument("--methods", type=_names, default=DEFAULT, metavar="dense,csr,…",
                      help=f"default: {','.join(DEFAULT)}")
    what.add_argument("--sparsity", type=_numbers, default=SPARSITIES, metavar="0.7,0.9",
                      help=f"shares of zeros (default: {','.join(map(str, SPARSITIES))})")
    what.add_argument("--peers", type=_names, default=(), metavar=f"{','.join(ENGINES[:2])},…",
                      help=f"engines on the same net: {', '.join(ENGINES)}; or all")
    what.add_argument("--pruned", action="append", default=[], metavar="FILE.safetensors",
                      help="a net pruned before, in a compact file; may be repeated")
    what.add_argument("--threads", type=_counts, default=(1,), metavar="1,2", help="default: 1")
    what.add_argument("--batch", type=_counts, default=(1,), metavar="1,16", help="default: 1")
    what.add_argument("--width", type=lambda text: int(text) if text.isdigit() else text, default="native",
                      help="weights in a group: 2, 4, 8, 16 or native (default)")
    what.add_argument("--isa", dest="level_of_isa", metavar="ISA",
                      help="scalar, sse41, avx2 or avx512 (default: the best here)")
    what.add_argument("--seconds", type=float, default=10.0,
                      help="for timing each number of threads with each batch, about (default: 10)")
    what.add_argument("--seed", type=int, default=0, help="of the input, and of weights where none are given")
    other = parser.add_argument_group("instead of a net")
    other.add_argument("--paper", action="store_true",
                       help="the CPU line of the Scalpel paper and what this machine makes of it, on its five nets")
    other.add_argument("--from-benchmark", metavar="FILE", help="show what pytest-benchmark wrote as JSON")
    data = parser.add_argument_group("accuracy")
    data.add_argument("--data", help="folder with MNIST idx files, CIFAR binaries or class folders; or .npz")
    data.add_argument("--mean", help="taken off each channel: 104,117,123")
    data.add_argument("--scale", type=float, help="multiplied after that (default: 1/256 for MNIST, else 1)")
    outputs(parser)


def run(args):
    """Carry it out."""
    if sum(map(bool, (args.prototxt, args.paper, args.from_benchmark))) != 1:
        raise OptionsError("give a net, or --paper, or --from-benchmark FILE")
    progress = Progress()
    if args.from_benchmark:
        from ..comparing.benchmark import from_benchmark

        results = from_benchmark(args.from_benchmark)
    elif args.paper:
        from ..comparing.paper import paper

        results = paper(threads=args.threads, seconds=args.seconds, seed=args.seed, engines=_engines(args),
                        command=_command(), progress=progress)
    else:
        results = _compare(args, progress)
    progress.end()
    show(args, results)
    return 1 if results.refused else 0


def _compare(args, progress):
    import scalpel_rt as srt

    from ..comparing import compare
    from ..comparing.nets import RANDOM, named, random_weights

    net, note = named(args.prototxt) if args.weights is None else (None, None)
    if net is None:
        net = load(args)
        if args.weights is None and not args.prototxt.endswith(".safetensors"):
            net, note = random_weights(net, args.seed), RANDOM.format(net.name or args.prototxt)
    net.options = srt.Options(isa=args.level_of_isa)
    results = compare(
        net, args.methods, args.sparsity, _engines(args), threads=args.threads, batches=args.batch, data=_data(args),
        pruned={_stem(path): srt.load(path) for path in args.pruned}, width=args.width, seconds=args.seconds,
        seed=args.seed, command=_command(), progress=progress)
    return replace(results, notes=[note, *results.notes]) if note else results


class Progress:
    """What is being done and how long it will take yet: one line that is rewritten on a terminal, else a line now and
    then."""

    EVERY, NEWS = 10.0, 1.0     # seconds between lines where there is no terminal: of the same work, of other work

    def __init__(self):
        self._live, self._last, self._doing = sys.stderr.isatty(), -self.EVERY, None

    def __call__(self, state):
        now = time.monotonic()
        wait = 0.1 if self._live else self.EVERY if state["doing"] == self._doing else self.NEWS
        if now - self._last < wait:
            return
        self._last, self._doing = now, state["doing"]
        left = "" if state["left"] is None else f", {_duration(state['left'])} left"
        text = f"{100 * state['share']:3.0f} %  {state['doing']}{left}"
        print(f"\r\x1b[K{text}" if self._live else text, end="" if self._live else "\n", file=sys.stderr, flush=True)

    def end(self):
        """Take the line away."""
        if self._live:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _duration(seconds):
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _engines(args):
    return ENGINES if tuple(args.peers) == ("all",) else args.peers


def _data(args):
    from ..datasets import open_data

    if args.data is None:
        if args.mean is not None or args.scale is not None:
            raise OptionsError("--mean and --scale are for --data")
        return None
    changes = {} if args.scale is None else {"scale": args.scale}
    if args.mean is not None:
        import numpy as np

        changes["mean"] = np.array(_numbers(args.mean), np.float32).reshape(-1, 1, 1)
    return open_data(args.data).with_transform(**changes)


def _command():
    return shlex.join(["scalpel-rt", *sys.argv[1:]])


def _stem(path):
    return path.replace("\\", "/").rpartition("/")[2].partition(".")[0]


def _names(text):
    return tuple(name for name in text.split(",") if name)


def _numbers(text):
    try:
        return tuple(float(v) for v in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not numbers such as 0.5,0.9") from None


def _counts(text):
    try:
        return tuple(int(v) for v in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not whole numbers such as 1,2") from None
