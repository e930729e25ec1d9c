"""scalpel-rt profile: where a net's time goes, and what this machine could do."""

import argparse
import sys

from ..errors import OptionsError
from ._common import as_json, input_arguments, load, net_arguments, place, read_inputs, run_arguments, si, table, warn

SUMMARY = "Time each layer of a net against what this machine can do"
EXAMPLE = """  scalpel-rt profile deploy.prototxt net.caffemodel --threads 1
  scalpel-rt profile deploy.prototxt --trace run.json --roofline roofline.png
  scalpel-rt profile deploy.prototxt net.caffemodel --pay --sparsity 0.7,0.9
  scalpel-rt profile --machine"""


def arguments(parser):
    """Declare the options."""
    net_arguments(parser, net="optional")
    run_arguments(parser)
    input_arguments(parser)
    parser.add_argument("--seconds", type=_positive, default=2.0, help="how long to measure (default: 2)")
    parser.add_argument("--machine", action="store_true",
                        help="measure the machine again, and show its peaks; needs no net")
    parser.add_argument("--pay", action="store_true",
                        help="instead: measure from what sparsity on each layer would gain, and how much the net")
    parser.add_argument("--sparsity", type=_rates, metavar="0.5,0.7,0.9", help="with --pay: rates to predict at")
    parser.add_argument("--width", type=lambda text: int(text) if text.isdigit() else text, default="native",
                        help="with --pay: weights in a group, 2, 4, 8, 16 or native (default)")
    parser.add_argument("--trace", type=place, metavar="FILE",
                        help="write one run as a Chrome trace (for ui.perfetto.dev)")
    parser.add_argument("--roofline", type=place, metavar="FILE",
                        help="plot the steps under the machine's roofs: .png, .svg, .pdf")
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def run(args):
    """Carry it out."""
    from ..profile import peaks

    if not (args.prototxt or args.machine):
        raise OptionsError("give a net, or --machine")
    machine = peaks(fresh=args.machine)
    if args.machine and not args.json:
        print(_machine(machine))
    if not args.prototxt:
        if args.json:
            print(as_json(machine.as_dict()))
        return 0
    return _net(args, machine)


def _net(args, machine):
    from ..profile.roofline import check_ending, plot_roofline
    from ..profile.trace import write_chrome_trace

    if args.pay:
        return _pay(args)
    if args.roofline:
        check_ending(args.roofline)
    net = load(args)
    inputs = read_inputs(args, net)
    found = net.profile(inputs=inputs, seconds=args.seconds, machine=machine)
    if args.json:
        print(as_json(found.as_dict()))
    else:
        header, rows, right = found.table()
        print(table([(_cut(row[0]), *row[1:]) for row in rows], header, right))
        print("\n" + found.summary())
        print("\nWhat pruning would gain, layer by layer: --pay")
    if args.trace:
        write_chrome_trace(args.trace, net, inputs=inputs)
        warn(f"the trace is in {args.trace}")
    if args.roofline:
        plot_roofline(found, args.roofline)
        warn(f"the plot is in {args.roofline}")
    return 0


def _pay(args):
    from ..profile.forecast import RATES, forecast

    net = load(args)

    def progress(layer):
        if sys.stderr.isatty():
            print(f"\r\033[Kmeasuring {layer} ...", end="", file=sys.stderr, flush=True)

    found = forecast(net, args.sparsity or RATES, width=args.width, progress=progress)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    if args.json:
        print(as_json(found.as_dict()))
        return 0
    header, rows, right = found.net_table()
    print(table(rows, header, right))
    print("\nfrom what sparsity on each beats dense (one thread):\n")
    header, rows, right = found.table()
    print(table([(_cut(row[0]), *row[1:]) for row in rows], header, right))
    return 0


def _rates(text):
    return tuple(float(part) for part in text.split(","))


def _machine(peaks):
    m = peaks.machine
    counts = sorted(next(iter(peaks.reading.values())))
    head = [f"{n} thread{'s' * (n > 1)}" for n in counts]
    sizes = {"L1": m.l1d, "L2": m.l2, "L3": m.l3}
    rows = [(f"multiply-adds, {level}", "", *(f"{rates[n]:.1f} GFLOP/s" for n in counts))
            for level, rates in peaks.flops.items()]
    rows += [(f"reading {name}", si(sizes[name], "B") if name in sizes else "",
              *(f"{rates[n]:.1f} GB/s" for n in counts)) for name, rates in peaks.reading.items()]
    quirks = f"; {', '.join(sorted(m.quirks))}" if m.quirks else ""
    return f"{m.name}, {m.cores} cores{quirks}\n\n{table(rows, ('', 'size', *head), range(1, 2 + len(counts)))}\n"


def _cut(text, most=36):
    return text if len(text) <= most else text[:most - 1] + "…"


def _positive(text):
    value = float(text)
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds above 0")
    return value
