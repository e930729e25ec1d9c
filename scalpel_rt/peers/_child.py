"""A peer in a process of its own, with its own Python environment.

The child reads the name of an .npy file a line, runs the net on what is in it, writes the output beside it, and answers
with the seconds that the run took: so talking to it is not counted.
"""

import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np

LOOP = """
import sys, time
import numpy as np
def serve(run):
    print("ready", flush=True)
    for line in sys.stdin:
        x = np.load(line.strip())
        start = time.perf_counter()
        y = run(x)
        seconds = time.perf_counter() - start
        np.save(line.strip() + ".out.npy", y)
        print(f"seconds {seconds!r}", flush=True)
"""


def python(peer):
    """The Python that the environment variable of a peer names, or None."""
    return os.environ.get(f"SCALPEL_PEER_{peer.upper()}")


def unnamed(peer):
    """Why there is no such Python, or None."""
    path = python(peer)
    if not path:
        return f"SCALPEL_PEER_{peer.upper()} does not name a Python that has {peer}"
    return None if Path(path).is_file() else f"SCALPEL_PEER_{peer.upper()}={path}: there is no such file"


class Child:
    """A peer that answers from another process; called like any other.

    Parameters
    ----------
    peer : str
    program : str
        Python text; it defines ``run(x)``, and finds ``args`` in sys.argv[1:].
    args : sequence of str
    folder : tempfile.TemporaryDirectory
        Kept until the child ends.
    """

    def __init__(self, peer, program, args, folder):
        self.seconds = None
        self._peer, self._folder, self._sent = peer, folder, None
        self._errors = tempfile.TemporaryFile()
        self._process = subprocess.Popen([python(peer), "-c", LOOP + program + "\nserve(run)", *args],
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True)
        self._answer("ready")

    def __call__(self, x):
        path = Path(self._folder.name) / "x.npy"
        if self._sent is not x:
            np.save(path, x)
            self._sent = x
        print(path, file=self._process.stdin, flush=True)
        self.seconds = float(self._answer("seconds"))
        return np.load(f"{path}.out.npy")

    def __del__(self):
        process = getattr(self, "_process", None)
        if process is not None:
            process.stdin.close()
            process.stdout.close()
            process.wait()

    def _answer(self, word):
        for line in self._process.stdout:       # engines print to stdout as well
            if line.startswith(word):
                return line[len(word):].strip()
        self._errors.seek(0)
        last = self._errors.read().decode(errors="replace").strip().splitlines()[-1:]
        raise RuntimeError(f"the process of {self._peer} ended: {''.join(last) or 'without a word'}")
