"""Input, Parameter, DummyData and Silence: where blobs come from and go to."""

import numpy as np
import pytest

from scalpel_rt.errors import GraphError, ShapeError

from .harness import kinds, make, run


def test_input_shapes():
    two = 'type: "Input" top: "a" top: "b" input_param { %s }'
    assert make(two % "shape { dim: 2 dim: 3 }").shapes([]) == [(2, 3), (2, 3)]
    assert make(two % "shape { dim: 2 } shape { dim: 3 }").shapes([]) == [(2,), (3,)]
    assert make(two % "").shapes([]) == [None, None]
    assert make(two % "shape { }").shapes([]) == [(), ()]
    with pytest.raises(GraphError, match="3 shapes for 2 tops"):
        make(two % "shape { } shape { } shape { }")


def test_parameter_is_its_weights():
    text = 'type: "Parameter" top: "p" parameter_param { shape { dim: 2 dim: 2 } }'
    value = [[1.0, 2], [3, 4]]
    np.testing.assert_array_equal(run(text, params=[value])[0], value)
    assert kinds(text, params=[value]) == ["fill"]
    with pytest.raises(GraphError, match="negative size"):
        make(text.replace("dim: 2", "dim: -2", 1))


def dummy(param, tops=1):
    return 'type: "DummyData" ' + "".join(f'top: "y{i}" ' for i in range(tops)) + f"dummy_data_param {{ {param} }}"


def test_dummy_data_of_constants():
    a, b = run(dummy("shape { dim: 2 dim: 3 } data_filler { value: 1.5 } data_filler { value: -1 }", 2))
    np.testing.assert_array_equal(a, np.full((2, 3), 1.5))
    np.testing.assert_array_equal(b, np.full((2, 3), -1))
    zero, = run(dummy("shape { dim: 2 }"))
    np.testing.assert_array_equal(zero, [0, 0])
    assert kinds(dummy("shape { }")) == ["fill"]


def test_dummy_data_in_the_older_form():
    shapes = make(dummy("num: 1 channels: 2 height: 3 width: 4 width: 5", 2)).shapes([])
    assert shapes == [(1, 2, 3, 4), (1, 2, 3, 5)]


def test_random_dummy_data_is_new_at_each_forward_and_the_same_in_each_run():
    layer = make(dummy('shape { dim: 50 } data_filler { type: "uniform" min: 2 max: 3 }', 2))
    state = layer.initial_state()
    first, second = run(layer, state=state), run(layer, state=state)
    for x in (*first, *second):
        assert 2 <= x.min() < x.max() <= 3
    assert len({x.tobytes() for x in (*first, *second)}) == 4
    np.testing.assert_array_equal(run(layer), first)


@pytest.mark.parametrize("param, error, words", [
    ("", GraphError, "0 shapes for 2 tops"),
    ("shape { } shape { } shape { }", GraphError, "3 shapes for 2 tops"),
    ("shape { } num: 1 channels: 1 height: 1 width: 1", GraphError, "shape is given together with num"),
    ("num: 1 channels: 1 height: 1", GraphError, "0 values of width for 2 tops"),
    ("shape { } data_filler { } data_filler { } data_filler { }", GraphError, "3 data_fillers for 2 tops"),
    ("shape { dim: -1 }", GraphError, "negative size"),
    ('shape { } data_filler { type: "gauss" }', GraphError, "unknown filler type 'gauss'"),
    ('shape { dim: 3 } data_filler { type: "bilinear" }', ShapeError, r"4 axes.*\(3,\)"),
])
def test_dummy_data_errors(param, error, words):
    with pytest.raises(error, match=words):
        make(dummy(param, 2))


def test_silence_reads_and_makes_nothing():
    text = 'type: "Silence" bottom: "a" bottom: "b"'
    assert run(text, [1.0], [2.0]) == []
    assert kinds(text, [1.0], [2.0]) == []
