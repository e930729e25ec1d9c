"""Layers in Python, written for caffe.Layer."""

import sys

import numpy as np
import pytest

import scalpel_rt as srt
import scalpel_rt.pycaffe as caffe
from scalpel_rt.errors import UnsupportedError
from scalpel_rt.graph.save import save_compact

from .nets import input_layer, make  # noqa: F401

MODULE = '''
import json

import numpy as np

import caffe                                    # pycaffe's face, whole
from caffe import io


class Scale(caffe.Layer):
    """y = factor * x + learnt bias."""

    calls = 0

    def setup(self, bottom, top):
        if len(bottom) != 1:
            raise Exception("one bottom, please")
        assert caffe.NetSpec and io.Transformer
        self.factor = json.loads(self.param_str)["factor"]
        self.blobs.add_blob(1)
        self.blobs[0].data[...] = 1

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].data.shape)

    def forward(self, bottom, top):
        type(self).calls += 1
        top[0].data[...] = self.factor * bottom[0].data + self.blobs[0].data


class Average(caffe.Layer):
    """Keeps the mean of all that it has seen."""

    def setup(self, bottom, top):
        self.blobs.add_blob(2)

    def reshape(self, bottom, top):
        top[0].reshape(2)

    def forward(self, bottom, top):
        self.blobs[0].data[0] += bottom[0].data.sum()
        self.blobs[0].data[1] += bottom[0].count
        top[0].data[...] = [self.blobs[0].data[0] / self.blobs[0].data[1], self.phase]


class Source(caffe.Layer):
    """A data layer: the numbers from 1 on."""

    def setup(self, bottom, top):
        self.next = 0

    def set_next(self, value):
        self.next = value

    def reshape(self, bottom, top):
        top[0].reshape(1, 2)

    def forward(self, bottom, top):
        self.next += 1
        top[0].data[...] = self.next
'''


@pytest.fixture(autouse=True)
def module(tmp_path, monkeypatch):
    (tmp_path / "layers_for_pycaffe.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield sys.modules.get
    sys.modules.pop("layers_for_pycaffe", None)


def python(name, kind, bottom="x", top="y", param_str=""):
    bottom = f'bottom: "{bottom}"' if bottom else ""
    return (f'layer {{ name: "{name}" type: "Python" {bottom} top: "{top}" python_param {{ '
            f"module: \"layers_for_pycaffe\" layer: \"{kind}\" param_str: '{param_str}' }} }}\n")


SCALED = input_layer("x", 2, 3) + python("scale", "Scale", param_str='{"factor": 3}') + (
    'layer { name: "z" type: "Power" bottom: "y" top: "z" power_param { scale: 2 } }')


def test_runs_between_other_layers(make, module):  # noqa: F811
    net = make(SCALED)
    x = np.arange(6).reshape(2, 3)
    np.testing.assert_array_equal(net.forward(x=x)["z"], 2 * (3 * x + 1))
    np.testing.assert_array_equal(net.blobs["y"].data, 3 * x + 1)
    assert module("layers_for_pycaffe").Scale.calls == 1        # reading y ran nobody's code again
    net.blobs["x"].reshape(4, 1)
    net.blobs["x"].data[...] = 5
    assert net.forward()["z"].shape == (4, 1) and "caffe" not in sys.modules


def test_its_learnt_blobs(tmp_path, make):  # noqa: F811
    net = make(SCALED)
    assert [p.shape for p in net.params["scale"]] == [(1,)] and net.params["scale"][0].data == 1
    layer = net.layers[1]
    assert layer.type == "Python" and layer.factor == 3     # the user's object
    layer.blobs[0].data[0] = 10
    assert net.params["scale"][0].data == 10 and net.forward(x=np.zeros((2, 3)))["z"][0, 0] == 20
    path = str(tmp_path / "w.caffemodel")
    net.save(path)
    layer.blobs[0].data[0] = -1
    net.copy_from(path)
    assert layer.blobs[0].data[0] == 10 and net.forward()["z"][0, 0] == 20
    net.params["scale"][0].data[...] = 4
    assert net.forward()["z"][0, 0] == 8 and layer.blobs[0].data == 4


def test_a_layer_that_learns_as_it_runs(tmp_path, make):  # noqa: F811
    net = make(input_layer("x", 2) + python("average", "Average"), caffe.TRAIN)
    for x, mean in (([1, 3], 2), ([5, 7], 4)):
        np.testing.assert_array_equal(net.forward(x=x)["y"], [mean, caffe.TRAIN])
    np.testing.assert_array_equal(net.params["average"][0].data, [16, 4])


def test_what_a_compact_file_holds_can_be_learnt_on(tmp_path, make):  # noqa: F811
    """Its arrays are the mapped file, which nobody can write to."""
    net = make(input_layer("x", 2) + python("average", "Average"))
    net.params["average"][0].data[...] = 6, 2
    path = tmp_path / "n.safetensors"
    save_compact(net.graph, path)
    before = path.read_bytes()
    ours = srt.load(path, allow_python=True)
    assert [ours.forward(x=x)["y"][0] for x in ([4, 2], [1, 7])] == [3, np.float32(20 / 6)]
    assert ours.params["average"][0].data.tolist() == [20, 6]
    theirs = caffe.Net(str(tmp_path / "net.prototxt"), str(path), caffe.TEST)
    assert theirs.layers[1].blobs[0].data.tolist() == [6, 2]
    theirs.layers[1].blobs[0].data[...] = 0
    assert theirs.forward(x=[4, 6])["y"][0] == 5 and theirs.params["average"][0].data.tolist() == [10, 2]
    assert path.read_bytes() == before


def test_a_data_layer(make):  # noqa: F811
    net = make(python("source", "Source", bottom="", top="x") + SCALED[SCALED.index("layer { name: \"scale\""):])
    assert net.inputs == []
    assert [net.forward()["z"][0, 0] for _ in range(3)] == [8, 14, 20]
    net.layers[0].set_next(9)
    assert net.forward()["z"][0, 0] == 62


def test_errors_of_the_user_come_through(make):  # noqa: F811
    with pytest.raises(Exception, match="one bottom, please"):
        make(python("scale", "Scale", bottom=""))
    with pytest.raises(UnsupportedError, match="nowhere"):
        make(input_layer("x", 1) + python("p", "Scale").replace("layers_for_pycaffe", "nowhere_to_be_found"))
