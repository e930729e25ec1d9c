"""Loads, compiles, runs and drops nets of all kinds for a given time, in several threads, and watches the memory.

    python -m tests.soak [--seconds 180] [--threads 2] [--leak BYTES]

The resident memory is measured after every round, a round being all the nets in every thread. After a third of the
rounds, to warm up, it must be flat: the line through the rest may rise by no more than ALLOWED from end to end, and
after each round as many pieces of C memory must be in use as after any other. Exit status 1 otherwise. ``--leak`` loses
so many bytes in each round, to see that it is noticed.
"""

import argparse
import ctypes
import gc
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

import scalpel_rt as srt
from scalpel_rt import isa, zoo
from scalpel_rt.errors import ScalpelError
from scalpel_rt.options import Options
from scalpel_rt.plan.build import compile_program
from scalpel_rt.runtime import _kernels

from .plan.programs import random_program

CASES = Path(__file__).parent / "golden" / "cases"
ALLOWED = 4 << 20                       # bytes between the warm-up and the end: what an allocator may keep or scatter
LEAST = 12                              # rounds; fewer say nothing


def resident():
    """Bytes of this process that lie in memory, without what the allocator holds in reserve."""
    ctypes.CDLL(None).malloc_trim(0)
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    raise SystemExit("no VmRSS in /proc/self/status: this needs Linux")


def work(seed, folder):
    """One thread's round: the same nets in every round, so that what they leave behind does not hang on chance."""
    for level in isa.runnable():
        for weights in ("auto", "csr", "group"):
            program, arrays = random_program(seed, 20)
            plan = compile_program(program, Options(isa=level, weights=weights, threads=2, tune=False))
            for state in (plan, plan.clone_state()):
                state.run_all(*arrays)
    small = zoo.path("lenet5")
    net = srt.load(small / "deploy.prototxt", small / "weights.caffemodel")
    for batch in (1, 3, 16):
        net.forward(data=np.ones((batch, 1, 28, 28), np.float32))
    net.params["conv1"][0].data[...] *= 2
    net.forward()
    assert net.blobs["conv1"].data.shape[0] == 16
    name = f"{folder}/{seed}"
    net.save(f"{name}.prototxt", f"{name}.caffemodel")
    pruned = srt.prune(net, "simd", sparsity=0.5, width=8)
    pruned.save(f"{name}.safetensors")
    srt.load(f"{name}.safetensors").forward(data=np.ones((2, 1, 28, 28), np.float32))
    for path in sorted(CASES.glob("net_*.prototxt")) + sorted(CASES.glob("err_*.prototxt"))[:20]:
        weights = path.with_suffix(".caffemodel")
        try:
            net = srt.load(path, weights if weights.exists() else None, dialect="bvlc")
            net.forward({blob.name: np.ones(blob.shape, np.float32) for blob in net.graph.inputs})
        except ScalpelError:
            pass                        # those that are wrong are refused, which must leave nothing behind either


def round_of(threads, folder):
    """All nets once in each of ``threads`` threads; raises what one of them raised."""
    errors = []

    def guarded(seed):
        try:
            work(seed, folder)
        except BaseException as error:
            errors.append(error)

    running = [threading.Thread(target=guarded, args=(seed,)) for seed in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    if errors:
        raise errors[0]
    gc.collect()


def rise(sizes):
    """Bytes that the straight line through ``sizes`` (least squares) rises by from the first to the last."""
    rounds = np.arange(len(sizes))
    return float(np.polyfit(rounds, sizes, 1)[0] * (len(sizes) - 1))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--leak", type=int, default=0, metavar="BYTES", help="lose so many bytes in each round")
    args = parser.parse_args()
    sizes, pieces, lost, until = [], set(), [], time.monotonic() + args.seconds
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < until or len(sizes) < LEAST:
            round_of(args.threads, folder)
            lost.append(np.ones(args.leak, np.uint8))
            sizes.append(resident())
            pieces.add(_kernels.allocations())
            print(f"round {len(sizes):4}  {sizes[-1] / 2**20:8.1f} MiB  {_kernels.allocations()} pieces", flush=True)
    rest = sizes[len(sizes) // 3:]
    up = rise(rest)
    print(f"{len(sizes)} rounds; after the first {len(sizes) - len(rest)} the memory went up by {up / 2**20:.2f} MiB, "
          f"{ALLOWED / 2**20:.0f} are allowed; pieces of C memory after a round: {sorted(pieces)}")
    return int(up > ALLOWED or len(pieces) > 1)


if __name__ == "__main__":
    sys.exit(main())
