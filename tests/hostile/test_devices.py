"""Links to devices and pipes where a file should be: one line of an error, soon, whatever the device would give."""

import os

import numpy as np
import pytest
from PIL import Image

import scalpel_rt as srt
from scalpel_rt import cli

from .nets import given, layer

VERBS = {
    "a net": ["info", "device"],
    "a net to check": ["check", "device"],
    "weights": ["info", "n.prototxt", "device"],
    "arrays": ["run", "n.prototxt", "-i", "device"],
    "an image": ["classify", "n.prototxt", "n.caffemodel", "device"],
    "labels": ["classify", "n.prototxt", "n.caffemodel", "i.png", "--labels", "device"],
    "a mean": ["classify", "n.prototxt", "n.caffemodel", "i.png", "--mean", "device"],
    "results": ["report", "device"],
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "n.prototxt").write_text(given(1, 3, 4, 4)
                                         + layer("InnerProduct", "inner_product_param { num_output: 2 }"))
    srt.load("n.prototxt").save(caffemodel="n.caffemodel")
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save("i.png")


@pytest.mark.parametrize("device", ["/dev/zero", "."])
@pytest.mark.parametrize("what", VERBS)
def test_a_device_where_a_file_should_be(folder, capfd, what, device):
    os.symlink(device, "device")
    assert cli.main(VERBS[what]) == 1
    out, error = capfd.readouterr()
    said = out.splitlines()[-1] if what == "a net to check" and not error else error
    assert said.strip().count("\n") == 0 and "device: " in said
