"""Arguments and output that several verbs share."""

import argparse
import json
import math
import os
import sys

from .. import zoo
from ..arrays import load_arrays
from ..errors import FormatError, OptionsError
from ..files import read_whole
from ..options import Limits
from ..printable import printable


def net_arguments(parser, weights="optional", net="required"):
    """PROTOTXT [WEIGHTS] and how to read them."""
    parser.add_argument("prototxt", nargs=None if net == "required" else "?",
                        help="the net's description, a compact .safetensors file, or the name of a net that comes "
                             "with the package: lenet5")
    said = " (needed, unless the description is a compact file)" if weights == "required" else ""
    parser.add_argument("weights", nargs="?", help=f"its .caffemodel, .caffemodel.h5 or .safetensors{said}")
    parser.set_defaults(needs_weights=weights == "required")
    parser.add_argument("--phase", choices=("TEST", "TRAIN"), default="TEST",
                        help="which layers to keep (default: TEST)")
    parser.add_argument("--level", type=int, default=0, help="the net state's level (default: 0)")
    parser.add_argument("--stage", action="append", default=[], help="a stage of the net state; may be repeated")
    parser.add_argument("--shape", action="append", default=[], type=shape, metavar="[NAME=]1,3,224,224",
                        help="shape of an input; may be repeated")
    limits = parser.add_argument_group("how large the net may be", "sizes may end in k, M, G or T (1024 each)")
    for field, what in (("elements", "of one blob or parameter"), ("bytes", "of all blobs and parameters together"),
                        ("layers", "in the file")):
        limits.add_argument(f"--max-{field}", type=size, metavar="N",
                            help=f"{field} {what} (default: {getattr(Limits, f'max_{field}')})")


def place(text):
    """The name of a file to write, an argparse type: refused before hours of work, not behind them, where it cannot be
    one."""
    folder = os.path.dirname(os.path.realpath(text))
    if not os.path.isdir(folder):
        raise argparse.ArgumentTypeError(f"{text}: there is no folder {folder}")
    if os.path.isdir(text):
        raise argparse.ArgumentTypeError(f"{text} is a folder")
    if not os.access(text if os.path.exists(text) else folder, os.W_OK):
        raise argparse.ArgumentTypeError(f"{text} may not be written")
    return text


def as_json(value):
    """What ``--json`` prints: null for NaN and infinities, which JSON has no words for."""
    def finite(part):
        if isinstance(part, dict):
            return {name: finite(held) for name, held in part.items()}
        if isinstance(part, (list, tuple)):
            return [finite(held) for held in part]
        return None if isinstance(part, float) and not math.isfinite(part) else part

    return json.dumps(finite(value), indent=1, allow_nan=False)


def run_arguments(parser):
    """How to execute."""
    parser.add_argument("--threads", type=int, default=None, help="threads (default: usable cores)")
    parser.add_argument("--isa", default=None, help="scalar, sse41, avx2 or avx512 (default: the best here)")


def input_arguments(parser):
    """Arrays to run on."""
    parser.add_argument("--input", "-i", action="append", default=[], metavar="[NAME=]FILE",
                        help=".npz with arrays named like the inputs, or .npy for one input; may be repeated")


def load(args):
    """The Net that the arguments of :func:`net_arguments` (and, if given, :func:`run_arguments`) name."""
    import scalpel_rt as srt

    prototxt, weights = args.prototxt, args.weights
    if weights is None and not os.path.exists(prototxt) and prototxt in zoo.names():
        prototxt, weights = zoo.files(prototxt)
    if args.needs_weights and weights is None and not str(prototxt).endswith(".safetensors"):
        raise OptionsError("has no weights of its own; name the file that has them behind it", file=str(prototxt))
    net = srt.load(prototxt, weights, phase=args.phase, level=args.level, stages=args.stage, limits=limits_of(args))
    for name, dims in args.shape:
        if name is None and len(net.inputs) != 1:
            raise OptionsError(f"--shape must say which input: {', '.join(net.inputs)}")
        net.reshape(**{name or net.inputs[0]: dims})
    if hasattr(args, "isa"):
        given = {k: v for k, v in (("threads", args.threads), ("isa", args.isa)) if v is not None}
        net.options = srt.Options(**given)
    return net


def read_inputs(args, net):
    """{input name: array} of the files that ``--input`` names."""
    feed = {}
    for text in args.input:
        feed.update(_read_arrays(text, net.inputs, limits_of(args)))
    unknown = [name for name in feed if name not in net.inputs]
    if unknown:
        raise OptionsError(f"the net has no input {', '.join(unknown)}; it has {', '.join(net.inputs)}")
    return feed


def _read_arrays(text, inputs, limits):
    name, eq, path = text.partition("=")
    name, path = (name, path) if eq else (None, text)
    arrays = load_arrays(path, limits)
    if list(arrays) == [""]:
        if name is None and len(inputs) != 1:
            raise OptionsError(f"say which input {path} is for: NAME={path}, one of {', '.join(inputs)}")
        return {name or inputs[0]: arrays[""]}
    if name is not None:
        if len(arrays) != 1:
            raise OptionsError(f"{path} holds {', '.join(arrays)}; without NAME= they go to the inputs of those names")
        return {name: next(iter(arrays.values()))}
    if len(arrays) == 1 and len(inputs) == 1:
        return {inputs[0]: next(iter(arrays.values()))}
    return arrays


def limits_of(args):
    """The Limits that the arguments of :func:`net_arguments` set."""
    given = {name: getattr(args, name) for name in ("max_elements", "max_bytes", "max_layers")}
    return Limits(**{name: value for name, value in given.items() if value is not None})


def size(text):
    """``8G`` to 8 * 2**30."""
    power = "kMGT".find(text[-1:]) + 1 if text else 0
    try:
        number = int(text[:-1] if power else text) << 10 * power
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 1000000, 512M or 8G")
    return number


def shape(text):
    """``1,3,224,224`` or ``data=1,3,224,224`` to (name or None, tuple)."""
    name, _, dims = text.rpartition("=")
    try:
        return name or None, tuple(int(d) for d in dims.replace("x", ",").split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a shape such as 1,3,224,224 or data=1,3,224,224") from None


def table(rows, header, right=()):
    """Aligned plain text; columns whose index is in ``right`` are flushed right."""
    cells = [[printable(str(cell)) for cell in row] for row in [header, *rows]]
    widths = [max(len(r[i]) for r in cells) for i in range(len(header))]
    lines = []
    for row in cells:
        lines.append("  ".join(c.rjust(w) if i in right else c.ljust(w)
                               for i, (c, w) in enumerate(zip(row, widths, strict=True))).rstrip())
    lines.insert(1, "  ".join("-" * w for w in widths))
    return "\n".join(lines)


def si(number, unit=""):
    """1234567 -> 1.23 M."""
    for factor, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= factor:
            return f"{number / factor:.3g} {prefix}{unit}"
    return f"{number:.3g} {unit}".rstrip()


def read_labels(path):
    """A label file, one class a line, as Caffe's synset_words.txt."""
    try:
        return [line for line in read_whole(path).decode().replace("\r\n", "\n").split("\n") if line.strip()]
    except UnicodeDecodeError as e:
        raise FormatError(f"is not UTF-8 text: {e}", file=str(path)) from e


def warn(text):
    """A remark that is not a result goes to stderr."""
    print(f"scalpel-rt: {printable(str(text))}", file=sys.stderr)
