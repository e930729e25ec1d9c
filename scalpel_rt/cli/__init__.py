"""The command ``scalpel-rt``: one file of this folder for each verb.

A verb's module has ``SUMMARY`` (a line), ``EXAMPLE`` (shown by --help), ``arguments(parser)`` and ``run(args)``, which
returns the exit status. Everything is printed here or in a verb, never in the library; errors of the library end as one
line on stderr and status 1, wrong usage as status 2.
"""

import argparse
import importlib
import os
import sys

from .. import __version__
from ..errors import ScalpelError
from ._common import warn

VERBS = ("info", "check", "run", "classify", "train", "fold", "prune", "scalpel", "compare", "report", "demo",
         "profile", "kernels")


def main(argv=None):
    """Entry point; returns the exit status."""
    try:
        args = _parsed(argv)
        status = args.run(args)
        sys.stdout.flush()
        return status
    except ScalpelError as e:
        warn(e)
        return 1
    except MemoryError as e:
        warn(f"not enough memory: {e}" if str(e) else "not enough memory")
        return 1
    except OSError as e:
        if isinstance(e, BrokenPipeError):
            # The reader (head, less) has gone: nothing more to say, and Python must not complain at exit either.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        warn(f"{e.filename}: {e.strerror}" if e.filename else e)
        return 1
    except KeyboardInterrupt:
        print("scalpel-rt: stopped", file=sys.stderr)
        return 130


def _parsed(argv):
    parser = argparse.ArgumentParser(
        prog="scalpel-rt", description="Run Caffe models without Caffe, pruned for the hardware they run on.",
        epilog="scalpel-rt VERB --help shows each verb's options and an example.")
    parser.add_argument("--version", action="version", version=f"scalpel-rt {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name in VERBS:
        module = importlib.import_module(f".{name}", __name__)
        verb = verbs.add_parser(name, help=module.SUMMARY, description=module.SUMMARY + ".",
                                epilog=f"example:\n{module.EXAMPLE}",
                                formatter_class=argparse.RawDescriptionHelpFormatter)
        module.arguments(verb)
        verb.set_defaults(run=module.run)
    return parser.parse_args(argv)
