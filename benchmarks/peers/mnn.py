"""MNN, in a process of its own: its converter installs packages by itself, so it wants its own environment.

``SCALPEL_PEER_MNN`` names the Python of that environment (with MNN and numpy). The child times each run itself and says
how long it took, so that talking to it is not counted: a prepared peer has the attribute ``seconds`` for the last run.
"""

import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from scalpel_rt.export.onnx import write_onnx

from . import lacks

CHILD = """
import sys, time
import numpy as np
import MNN, MNN.nn as nn, MNN.numpy as mp
path, threads, name, out = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
rt = nn.create_runtime_manager(({"backend": "CPU", "numThread": threads, "precision": "high"},))
net = nn.load_module_from_file(path, [name], [out], runtime_manager=rt)
sys.stdout.write("ready\\n"); sys.stdout.flush()
import MNN.expr as F
for line in sys.stdin:
    x = np.load(line.strip())
    v = F.const(x, list(x.shape), F.NCHW)
    start = time.perf_counter()
    y = net.forward([v])[0]
    y = F.convert(y, F.NCHW).read()
    seconds = time.perf_counter() - start
    np.save(line.strip() + ".out.npy", y)
    sys.stdout.write(f"{seconds!r}\\n"); sys.stdout.flush()
"""


def missing():
    python = os.environ.get("SCALPEL_PEER_MNN")
    if not python:
        return "SCALPEL_PEER_MNN does not name a Python that has MNN"
    return lacks("onnx")


def prepare(net, threads):
    python = os.environ["SCALPEL_PEER_MNN"]
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name)
    write_onnx(net.graph, path / "net.onnx")
    converter = Path(python).parent / "mnnconvert"
    subprocess.run(
        [
            str(converter),
            "-f",
            "ONNX",
            "--modelFile",
            str(path / "net.onnx"),
            "--MNNModel",
            str(path / "net.mnn"),
            "--bizCode",
            "x",
        ],
        check=True,
        capture_output=True,
    )
    child = subprocess.Popen(
        [python, "-c", CHILD, str(path / "net.mnn"), str(threads), net.inputs[0], net.outputs[0]],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    if _answer(child) != "ready":
        raise RuntimeError("MNN's process did not start")

    def run(x):
        if run.sent is not x:
            np.save(path / "x.npy", x)
            run.sent = x
        child.stdin.write(f"{path / 'x.npy'}\n")
        child.stdin.flush()
        run.seconds = float(_answer(child))
        return np.load(path / "x.npy.out.npy")

    run.sent, run.folder = None, folder
    return run


def _answer(child):
    for line in child.stdout:
        if line.strip() == "ready" or line[0].isdigit():
            return line.strip()
    raise RuntimeError("MNN's process ended")
