"""Training and pruning that are killed with -9, again and again, and started again: the same bytes come out."""

import os
import random
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed (the extra `train`): runs that are killed are not tested")

import scalpel_rt as srt  # noqa: E402
from scalpel_rt.cli import main  # noqa: E402

from ..graph.nets import input_layer  # noqa: E402
from ..pruning.nets import conv, fc, some  # noqa: E402
from ..train.conftest import one_thread  # noqa: E402, F401

NET = (input_layer("x", 1, 2, 8, 8) + conv("c", "x", 8, 'weight_filler { type: "xavier" }') + some("ReLU", "c", "r")
       + some("Dropout", "r", "d") + fc("f", "d", 32, 'weight_filler { type: "xavier" }')
       + fc("z", "f", 3, 'weight_filler { type: "xavier" }'))
RECIPE = ["--data", "data.npz", "--test-data", "data.npz", "--batch", "10", "--lr", "0.01", "--schedule", "cosine",
          "--augment", "shift", "--threads", "1"]
#: Arguments, the option that says where the state is kept, and how many epochs there are in all.
RUNS = {
    "train": (["train", "net.prototxt", "net.caffemodel", *RECIPE, "--epochs", "8"], "--checkpoint", 8),
    "prune": (["prune", "net.prototxt", "net.caffemodel", "simd", "--width", "8", "--sparsity", "0.8", "--stages", "3",
               *RECIPE, "--epochs", "3"], "--folder", 9),
    "prune nodes": (["prune", "net.prototxt", "net.caffemodel", "nodes", "--penalty", "0.01,0.05", "--learn-lr", "0.01",
                     "--learn-epochs", "2", *RECIPE, "--epochs", "2"], "--folder", 8),
    "scalpel": (["scalpel", "net.prototxt", "net.caffemodel", "--machine", "moderate", "--budget", "100", "--width",
                 "8", "--penalties", "0.05", "--sparsities", "0.5", "--learn-lr", "0.01", "--learn-epochs", "2",
                 *RECIPE, "--epochs", "2"], "--folder", 6),
}
#: What is written: the name that is given, and the file that it makes.
OUTPUTS = {"train": ("{}.caffemodel", "{}.caffemodel"), "scalpel": ("{}", "{}/net.safetensors")}

#: Lives through a run in processes that follow each other. All but the last are sent SIGKILL, so many seconds of
#: computing after the first epoch that they say they did; what each says lies in the file said-N.
LIVES = """
import os, signal, sys, threading, time
sys.path[:0] = sys.argv[1].split(os.pathsep)
import torch, torch._dynamo         # the second comes with the first optimiser, in seconds that each life would spend
from scalpel_rt.cli import _training, main
moments, written, args = [float(m) for m in sys.argv[2].split(",")], sys.argv[3], sys.argv[4:]
torch.set_num_threads(1)

def killer(seconds):
    begin = time.process_time()
    while time.process_time() - begin < seconds:
        time.sleep(0.0005)
    os.kill(os.getpid(), signal.SIGKILL)

def life(number, seconds):
    for descriptor, name in ((1, os.devnull), (2, f"said-{number}")):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT), descriptor)
    show = _training.Progress.__call__
    def told(self, row):
        show(self, row)
        if "seconds" in row and seconds is not None and threading.active_count() == 1:
            threading.Thread(target=killer, args=(seconds,), daemon=True).start()
    _training.Progress.__call__ = told
    return main(args)

for number, seconds in enumerate([*moments, None]):
    child = os.fork()
    if child == 0:
        status = 77
        try:
            status = life(number, seconds)
        finally:
            os._exit(status)
    print(os.waitpid(child, 0)[1], os.path.exists(written), flush=True)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("net.prototxt").write_text(NET)
    srt.load("net.prototxt").save(caffemodel="net.caffemodel")
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 300)
    images = rng.standard_normal((300, 2, 8, 8)) + labels[:, None, None, None]
    np.savez("data.npz", images=images.astype(np.float32), labels=labels)


def epochs(said):
    """(stage, "learn" or "retrain", epoch) of each epoch that a run says it did."""
    return re.findall(r"^(?:stage (\d+) of \d+, )?(\D*)epoch (\d+)", said, re.MULTILINE)


@pytest.mark.parametrize("name", RUNS)
def test_killed_runs_come_to_the_same_bytes(folder, capsys, name):
    args, state, count = RUNS[name]
    output, written = OUTPUTS.get(name, ("{}.safetensors", "{}.safetensors"))
    assert main([*args, "-o", output.format("whole"), state, "state-of-whole"]) == 0
    whole = epochs(capsys.readouterr().err)
    assert len(whole) == count, whole

    moments = random.Random(name)
    moments = [moments.uniform(0, 0.03) for _ in range(3)]
    done = subprocess.run([sys.executable, "-c", LIVES, os.pathsep.join(sys.path), ",".join(map(str, moments)),
                           written.format("out"), *args, "-o", output.format("out"), state, "state"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    dead = f"{int(signal.SIGKILL)} False"
    assert done.stdout.splitlines() == [dead, dead, dead, "0 True"]
    lives = [epochs(Path(f"said-{number}").read_text()) for number in range(4)]
    for before, after in zip(lives, lives[1:], strict=False):       # each goes on where the one before was killed
        assert whole.index(after[0]) > whole.index(before[-1])
    assert Path(written.format("out")).read_bytes() == Path(written.format("whole")).read_bytes()
