"""net.params: what is written counts, and never reaches a file."""

import gc

import numpy as np
import pytest

import scalpel_rt as srt
from scalpel_rt.net.watch import Watch
from tests.graph.nets import LENET, input_layer, layer

from .test_net import net

IP = "inner_product_param { num_output: 1 bias_term: false }"
FC = input_layer("x", 1, 2) + layer("InnerProduct", "x", "y", IP)
X = np.ones((1, 2), np.float32)


def test_names_and_shapes():
    n = net(LENET)
    assert list(n.params) == ["conv1", "ip1"] and len(n.params) == 2
    assert [p.shape for p in n.params["ip1"]] == [(5, 100), (5,)]
    assert repr(n.params["ip1"][1]) == "<parameter (5,)>" and "conv1" in repr(n.params)
    with pytest.raises(KeyError):
        n.params["relu1"]


def test_written_before_the_first_forward():
    n = net(FC)
    n.params["y"][0].data[...] = [[1, 2]]
    assert n.forward(x=X)["y"] == 3


def test_written_between_forwards():
    n = net(FC)
    for value in range(4):
        n.params["y"][0].data[0, 1] = value
        assert n.forward(x=X)["y"] == value


def test_written_through_a_view_that_is_kept():
    n = net(FC)
    w = n.params["y"][0].data
    for value in range(4):
        w[0, 0] = value
        assert n.forward(x=X)["y"] == value


def test_written_through_a_view_of_a_view():
    n = net(FC)
    column = n.params["y"][0].data.T[1:].reshape(-1)
    gc.collect()
    n.forward(x=X)
    for value in range(1, 4):
        column[0] = value
        assert n.forward(x=X)["y"] == value


def test_written_and_let_go():
    n = net(FC)
    n.forward(x=X)
    w = n.params["y"][0].data
    w[...] = 3
    del w
    assert n.forward(x=X)["y"] == 6


def test_two_values_swapped():
    n = net(FC)
    w = n.params["y"][0].data
    w[...] = [[1, 2]]
    assert n.forward(x=[[1, 0]])["y"] == 1
    w[...] = w[:, ::-1].copy()
    assert n.forward(x=[[1, 0]])["y"] == 2


def test_replaced():
    n = net(FC)
    n.forward(x=X)
    n.params["y"][0].data = [[5, 5]]
    assert n.forward(x=X)["y"] == 10
    n.params["y"][0].data *= 2
    assert n.forward(x=X)["y"] == 20
    with pytest.raises(srt.ShapeError, match=r"\(1, 2\).*\(2, 1\)"):
        n.params["y"][0].data = [[5], [5]]


def test_every_shape_sees_it():
    n = net(FC)
    n.forward(x=X)
    n.forward(x=np.ones((3, 2)))
    n.params["y"][0].data[...] = 1
    assert (n.forward(x=X)["y"] == 2).all() and (n.forward(x=np.ones((3, 2)))["y"] == 2).all()


def test_shared_parameters_are_written_together():
    text = input_layer("x", 1, 2) + "".join(
        layer("InnerProduct", "x", top, IP + ' param { name: "w" }') for top in ("y", "z"))
    n = net(text)
    n.forward(x=X)
    n.params["z"][0].data[...] = 4
    assert n.forward(x=X)["y"] == 8


def test_shared_under_another_shape():
    text = (input_layer("x", 1, 2) + input_layer("v", 1, 1)
            + layer("InnerProduct", "x", "y", IP + ' param { name: "w" }')
            + layer("InnerProduct", "v", "z", IP.replace("1", "2") + ' param { name: "w" share_mode: PERMISSIVE }'))
    n = net(text)
    n.forward(x=X)
    n.params["z"][0].data[1, 0] = 4
    assert n.forward(x=X)["y"] == 4


def test_a_scalar_parameter():
    n = net(input_layer("x", 1, 2) + layer("Scale", "x", "y", "scale_param { num_axes: 0 }"))
    n.forward(x=X)
    assert n.params["y"][0].data.shape == ()
    n.params["y"][0].data[...] = 7
    assert (n.forward(x=X)["y"] == 7).all()


def test_parameters_are_arrays():
    n = net(LENET)
    assert np.asarray(n.params["ip1"][1]).sum() == 2.5
    assert np.array(n.params["ip1"][1], np.float64).dtype == np.float64


def test_a_file_stays_as_it_is(tmp_path):
    """Weights are views on the mapped file; writing to them must not reach it."""
    n = net(FC)
    n.params["y"][0].data[...] = 1
    paths = tmp_path / "n.prototxt", tmp_path / "n.caffemodel"
    n.save(*paths)
    before = paths[1].read_bytes()
    held = srt.load(*paths)
    held.params["y"][0].data[...] = 9
    assert held.forward(x=X)["y"] == 18
    other = srt.load(*paths)
    assert other.forward(x=X)["y"] == 2
    del held
    gc.collect()
    assert paths[1].read_bytes() == before
    other.params["y"][0].data[...] = 5
    other.save(*paths)      # onto the file that it is mapped from
    assert other.forward(x=X)["y"] == 10
    assert srt.load(*paths).forward(x=X)["y"] == 10


class TestWatch:
    def test_asleep_until_active(self):
        watch, array = Watch(), np.zeros(3, np.float32)
        view = watch.hand_out("a", array)
        view[0] = 1
        assert watch.changed() == []
        watch.active = True
        assert watch.changed() == []    # what was written before is what is known
        view[0] = 2
        assert watch.changed() == ["a"] and watch.changed() == []

    def test_forgets_what_nobody_holds(self):
        watch, array = Watch(), np.zeros(3, np.float32)
        watch.active = True
        view = watch.hand_out("a", array)
        view[0] = 1
        assert watch.held("a")
        del view
        gc.collect()
        assert not watch.held("a")
        assert watch.changed() == ["a"]
        array[1] = 5    # by nobody that was handed the array
        assert watch.changed() == []

    @pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (2, 3)])
    def test_any_shape(self, shape):
        watch, array = Watch(), np.zeros(shape, np.float32)
        watch.active = True
        view = watch.hand_out("a", array)
        assert view.shape == shape and view.flags.writeable
        view[...] = 1
        assert watch.changed() == (["a"] if view.size else [])

    def test_slices_keep_it_awake(self):
        watch, array = Watch(), np.zeros((4, 4), np.float32)
        watch.active = True
        piece = watch.hand_out("a", array)[1:3].T
        gc.collect()
        assert watch.changed() == []
        piece[0, 0] = 1
        assert watch.changed() == ["a"]
