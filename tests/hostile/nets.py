"""What tests of hostile input share."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import scalpel_rt as srt
from scalpel_rt.caffe import parse_prototxt, upgrade_net
from scalpel_rt.graph import build

INPUT = 'input: "x" input_shape {{ {} }}\n'
GIGABYTE = 2**30
#: AddressSanitizer takes terabytes of addresses for itself, and several times as long.
SANITIZED = "asan" in os.environ.get("LD_PRELOAD", "")


def given(*dims):
    return INPUT.format(" ".join(f"dim: {d}" for d in dims))


def layer(kind, fields="", bottom='bottom: "x"', top='top: "y"', name="l"):
    return f'layer {{ name: "{name}" type: "{kind}" {bottom} {top} {fields} }}\n'


def graph(text, **options):
    return build(upgrade_net(parse_prototxt(text)), **options)


def refused(text, **options):
    """The message of the error (one of ours) with which a net is refused, at the latest when it runs."""
    try:
        srt.Net(graph(text, **options), srt.Options(threads=1)).forward()
    except srt.ScalpelError as error:
        return str(error)
    raise AssertionError(f"not refused: {text}")


def in_a_process(code, *args, seconds=60, memory=2 * GIGABYTE):
    """Run Python code in a process of its own, with so much address space and processor time; what it printed.

    Under AddressSanitizer the space has no bound, and the time is ten times as long.
    """
    def bounded():
        if not SANITIZED:
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        time = seconds * (10 if SANITIZED else 1)
        resource.setrlimit(resource.RLIMIT_CPU, (time, time))

    done = subprocess.run([sys.executable, "-c", code, *map(str, args)], preexec_fn=bounded, capture_output=True,
                          text=True, cwd=Path(__file__).resolve().parents[2])
    assert done.returncode == 0, (done.returncode, done.stderr[-2000:])
    return done.stdout
