"""scalpel-rt report: show again what scalpel-rt compare has measured."""

import argparse
import shutil
import sys

from ..errors import OptionsError
from ..report import FORMS, form_of, read, write
from ..report.plots import PLOTS
from ..report.tables import text
from ._common import place

SUMMARY = "Make tables, plots or a web page of results that were kept as JSON"
EXAMPLE = """  scalpel-rt report results.json                              # the tables, here
  scalpel-rt report results.json -o results.html -o results.csv
  scalpel-rt report results.json -o speedup.svg --plot layers"""


def arguments(parser):
    """Declare the options."""
    parser.add_argument("results", help="a .json file that scalpel-rt compare wrote")
    outputs(parser)


def _report(text):
    """The name of a report, an argparse type."""
    try:
        form_of(text)
    except OptionsError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return place(text)


def outputs(parser):
    """Options of every verb that ends in a report."""
    out = parser.add_argument_group("output")
    out.add_argument("--output", "-o", action="append", default=[], type=_report, metavar="FILE",
                     help=f"write a report, its form by the ending: .{', .'.join(FORMS)}; may be repeated")
    out.add_argument("--plot", default="layers", choices=(*PLOTS, "all"), help="for .png and .svg (default: layers)")
    out.add_argument("--net", help="whose plot, where there are several (default: the first)")
    out.add_argument("--layers", action="store_true", help="list all layers, too")


def show(args, results):
    """Print the tables, and write what ``--output`` asks for."""
    live = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if live else None
    print(text(results, width, layers=args.layers, color=live), end="")
    for path in args.output:
        for written in write(results, path, args.plot, args.net, args.layers):
            print(f"written: {written}", file=sys.stderr)


def run(args):
    """Carry it out."""
    show(args, read(args.results))
    return 0
