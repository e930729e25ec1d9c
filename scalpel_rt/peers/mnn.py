"""MNN, in a process of its own: its converter installs packages by itself, so it wants its own environment.

``SCALPEL_PEER_MNN`` names the Python of that environment (with MNN and numpy).
"""

import subprocess
import tempfile
from pathlib import Path

from scalpel_rt.export.onnx import write_onnx

from . import _child, lacks

PROGRAM = """
import MNN.nn as nn, MNN.expr as F
path, threads, name, out = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
rt = nn.create_runtime_manager(({"backend": "CPU", "numThread": threads, "precision": "high"},))
net = nn.load_module_from_file(path, [name], [out], runtime_manager=rt)
def run(x):
    return F.convert(net.forward([F.const(x, list(x.shape), F.NCHW)])[0], F.NCHW).read()
"""


def missing():
    return _child.unnamed("mnn") or lacks("onnx")


def prepare(net, threads):
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name)
    write_onnx(net.graph, path / "net.onnx")
    converter = Path(_child.python("mnn")).absolute().parent / "mnnconvert"
    subprocess.run([str(converter), "-f", "ONNX", "--modelFile", str(path / "net.onnx"), "--MNNModel",
                    str(path / "net.mnn"), "--bizCode", "x"],
                   check=True, capture_output=True, cwd=path)       # it leaves a file where it runs
    return _child.Child("mnn", PROGRAM, [str(path / "net.mnn"), str(threads), net.inputs[0], net.outputs[0]], folder)
