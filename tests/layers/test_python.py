"""Python layers: pycaffe's contract, only where the net is trusted."""

import sys

import numpy as np
import pytest

from scalpel_rt.errors import UnsupportedError

from .harness import make, run

MODULE = '''
import caffe


class Scaled(caffe.Layer):
    """Multiplies by param_str and adds a learnt number."""

    set_ups = 0

    def setup(self, bottom, top):
        type(self).set_ups += 1
        self.factor = float(self.param_str)
        self.blobs.add_blob(1)
        self.blobs[0].data[...] = 7

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)
        top[1].reshape(bottom[0].num, bottom[0].count // bottom[0].num)

    def forward(self, bottom, top):
        assert self.phase == caffe.TEST
        top[0].data[...] = bottom[0].data * self.factor + self.blobs[0].data
        top[1].data[...] = bottom[0].data.reshape(top[1].shape)
        bottom[0].data[...] = -1


class Rows(caffe.Layer):
    """Gives one row more each time."""

    def setup(self, bottom, top):
        self.rows = 0

    def reshape(self, bottom, top):
        self.rows += 1
        top[0].reshape(self.rows, 2)

    def forward(self, bottom, top):
        top[0].data[...] = self.rows


class NotALayer:
    pass
'''


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "user_layers_for_test.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "user_layers_for_test"
    sys.modules.pop("user_layers_for_test", None)


def python(module, layer, bottoms=1, tops=1, param_str=""):
    made = make('type: "Python" ' + "".join(f'bottom: "b{i}" ' for i in range(bottoms))
                + "".join(f'top: "t{i}" ' for i in range(tops))
                + f'python_param {{ module: "{module}" layer: "{layer}" param_str: "{param_str}" }}')
    made.trusted = True
    return made


def test_setup_reshape_forward_and_blobs(module):
    layer = python(module, "Scaled", tops=2, param_str="2.5")
    x = np.arange(6.0).reshape(3, 2, 1)
    got = run(layer, x, params=[[10]])
    np.testing.assert_array_equal(got[0], x * 2.5 + 10)
    np.testing.assert_array_equal(got[1], x[..., 0])
    bigger = run(layer, np.ones((4, 2)), params=[[1]])
    np.testing.assert_array_equal(bigger[0], np.full((4, 2), 3.5))
    np.testing.assert_array_equal(got[0], x * 2.5 + 10)     # what came out before is not overwritten
    assert sys.modules[module].Scaled.set_ups == 1
    assert "caffe" not in sys.modules


def test_shapes_may_change_each_time(module):
    layer = python(module, "Rows", bottoms=0)
    rows = [run(layer)[0].shape[0] for _ in range(2)]
    assert rows[1] > rows[0]


def test_untrusted_code_does_not_run(module):
    layer = python(module, "Scaled", tops=2, param_str="2")
    layer.trusted = False
    with pytest.raises(UnsupportedError, match=f"{module}.Scaled.*allow_python"):
        layer.shapes([(3, 2)])
    assert module not in sys.modules
    data = python(module, "Rows", bottoms=0)
    data.trusted = False
    assert data.is_input and data.shapes([]) == [None] and "Rows" in data.note


def test_what_cannot_be_found(module):
    with pytest.raises(UnsupportedError, match="no_such_module_here"):
        python("no_such_module_here", "X").shapes([(1,)])
    with pytest.raises(UnsupportedError, match="no class 'Absent'"):
        python(module, "Absent").shapes([(1,)])
    with pytest.raises(UnsupportedError, match="caffe.Layer"):
        python(module, "NotALayer").shapes([(1,)])


def test_faster_rcnns_proposal_layer_needs_no_trust():
    layer = make('type: "Python" bottom: "s" bottom: "d" bottom: "i" top: "rois" python_param { '
                 "module: 'rpn.proposal_layer' layer: 'ProposalLayer' param_str: \"'feat_stride': 16\" }")
    scores = np.zeros((1, 18, 2, 3))
    scores[0, 9:] = np.random.default_rng(0).random((9, 2, 3))
    rois, = run(layer, scores, np.zeros((1, 36, 2, 3)), [[400, 500, 1]])
    assert rois.shape[1] == 5 and len(rois) > 1 and "ProposalLayer" in layer.note


def test_in_a_net(module, tmp_path):
    import scalpel_rt as srt

    path = tmp_path / "net.prototxt"
    path.write_text('layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }'
                    'layer { name: "user" type: "Python" bottom: "x" top: "y" top: "z" python_param { '
                    f'module: "{module}" layer: "Scaled" param_str: "2" }} }}'
                    'layer { name: "r" type: "ReLU" bottom: "y" top: "r" }')
    with pytest.raises(UnsupportedError, match="user.*allow_python"):
        srt.load(path)
    net = srt.load(path, allow_python=True)
    x = np.array([[1, -9, 3], [4, 5, -6]], np.float32)
    np.testing.assert_array_equal(net.forward(x=x)["r"], np.maximum(2 * x + 7, 0))     # 7 is what setup left
    net.params["user"][0].data[...] = -1
    np.testing.assert_array_equal(net.forward(x=x[:1])["r"], np.maximum(2 * x[:1] - 1, 0))
