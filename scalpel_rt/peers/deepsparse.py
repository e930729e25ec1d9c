"""DeepSparse, the one engine that made unstructured zeros pay: a yardstick, whose licence allows evaluation only.

``SCALPEL_PEER_DEEPSPARSE`` names the Python (3.11 at most) of an environment of its own: ``pip install --no-deps
deepsparse==1.8.0 sparsezoo`` and what these import.
"""

import tempfile
from pathlib import Path

from scalpel_rt.export.onnx import write_onnx

from . import _child, lacks

PROGRAM = """
import os
os.environ["NM_DISABLE_ANALYTICS"] = "1"
from deepsparse.engine import Engine, Scheduler
engine = Engine(sys.argv[1], batch_size=int(sys.argv[3]), num_cores=int(sys.argv[2]), scheduler=Scheduler.single_stream)
def run(x):
    return engine.run([x], val_inp=False)[0]
"""


def missing():
    return _child.unnamed("deepsparse") or lacks("onnx")


def prepare(net, threads):
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name) / "net.onnx"
    write_onnx(net.graph, path)
    return _child.Child("deepsparse", PROGRAM, [str(path), str(threads), str(net.graph.inputs[0].shape[0])], folder)
