"""ArgMax and Accuracy."""

import numpy as np
import pytest

from scalpel_rt.errors import GraphError, ShapeError

from .harness import kinds, make, run

ARGMAX = 'type: "ArgMax" bottom: "x" top: "y" argmax_param {{ {} }}'


def scores(*shape):
    """Different numbers in a random order."""
    return np.random.default_rng(1).permutation(int(np.prod(shape))).reshape(shape).astype(np.float32)


@pytest.mark.parametrize("shape, top", [((4, 6), (4, 1, 1)), ((4, 2, 3), (4, 1, 1)), ((4, 2, 3, 1, 1), (4, 1, 1, 1, 1)),
                                        ((5,), (5, 1, 1))])
def test_argmax_of_flat_items(shape, top):
    x = scores(*shape)
    got, = run(ARGMAX.format(""), x)
    np.testing.assert_array_equal(got, x.reshape(shape[0], -1).argmax(1).reshape(top))


def test_argmax_gives_the_greatest_in_order_with_their_values():
    x = scores(3, 7)
    order = np.argsort(-x, 1)[:, :4]
    got, = run(ARGMAX.format("top_k: 4 out_max_val: true"), x)
    np.testing.assert_array_equal(got, np.stack([order, np.take_along_axis(x, order, 1)], 1))


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_argmax_along_an_axis(axis):
    x = scores(4, 3, 5)
    order = np.take(np.argsort(-x, axis), [0, 1], axis)
    np.testing.assert_array_equal(run(ARGMAX.format(f"axis: {axis} top_k: 2"), x)[0], order)
    np.testing.assert_array_equal(run(ARGMAX.format(f"axis: {axis} top_k: 2 out_max_val: true"), x)[0],
                                  np.take_along_axis(x, order, axis))


@pytest.mark.parametrize("more, ops", [("", ["reduce"]), ("out_max_val: true", ["reduce", "reduce", "copy"]),
                                       ("axis: 1", ["reduce"]), ("axis: 2 out_max_val: true", ["reduce"])])
def test_argmax_of_one_is_lowered(more, ops):
    x = np.random.default_rng(2).integers(-3, 4, (2, 5, 4)).astype(np.float32)       # with equal numbers
    assert kinds(ARGMAX.format(more), x) == ops
    run(ARGMAX.format(more), x)
    assert kinds(ARGMAX.format(more + " top_k: 2"), x) is None


def test_argmax_of_equal_numbers_takes_the_higher_index():
    np.testing.assert_array_equal(run(ARGMAX.format("top_k: 3"), [[1, 2, 2, 1]])[0], [[[2, 1, 3]]])


def test_argmax_errors():
    with pytest.raises(GraphError, match="top_k must be at least 1"):
        make(ARGMAX.format("top_k: 0"))
    with pytest.raises(ShapeError, match=r"top_k 4 of 3 numbers, bottom shape \(2, 3\)"):
        make(ARGMAX.format("top_k: 4")).shapes([(2, 3)])
    with pytest.raises(ShapeError, match="axis 2 is out of range"):
        make(ARGMAX.format("axis: 2")).shapes([(2, 3)])


def accuracy(param="", tops=1):
    return ('type: "Accuracy" bottom: "x" bottom: "t" ' + 'top: "a" top: "b"'[:8 * tops + tops - 1]
            + f" accuracy_param {{ {param} }}")


X = [[0.1, 0.7, 0.2], [0.5, 0.3, 0.2], [0.2, 0.3, 0.5], [0.4, 0.4, 0.2]]


def test_accuracy_is_the_share_of_right_answers():
    assert run(accuracy(), X, [1, 0, 0, 2])[0] == 0.5
    assert run(accuracy("top_k: 2"), X, [2, 2, 1, 0])[0] == 0.75


def test_a_tie_counts_as_wrong():
    assert run(accuracy(), X, [1, 0, 2, 0])[0] == 0.75
    assert run(accuracy("top_k: 2"), X, [1, 0, 2, 0])[0] == 1


def test_accuracy_of_each_class():
    share, each = run(accuracy(tops=2), X, [1, 1, 2, 2])
    assert share == 0.5
    np.testing.assert_array_equal(each, [0, 0.5, 0.5])


def test_ignored_labels_are_left_out():
    assert run(accuracy("ignore_label: 2"), X, [1, 2, 0, 2])[0] == 0.5
    assert run(accuracy("ignore_label: 2"), X, [2, 2, 2, 2])[0] == 0
    assert run(accuracy("ignore_label: 255"), X, [1, 255, 255, 255])[0] == 1


def test_accuracy_at_every_position():
    x = np.moveaxis(np.array(X, np.float32).reshape(2, 2, 3), -1, 1)            # (2, 3, 2)
    assert run(accuracy(), x, [[1, 0], [2, 2]])[0] == 0.75


def test_accuracy_errors():
    with pytest.raises(ShapeError, match=r"3 labels, shape \(3,\), for 2 positions of scores, shape \(2, 5\)"):
        make(accuracy()).shapes([(2, 5), (3,)])
    with pytest.raises(ShapeError, match="top_k 6 of 5 classes"):
        make(accuracy("top_k: 6")).shapes([(2, 5), (2,)])
    for label in (3, -1, np.nan):
        with pytest.raises(GraphError, match="is not one of 3 classes"):
            run(accuracy(), X, [0, 0, 0, label])
