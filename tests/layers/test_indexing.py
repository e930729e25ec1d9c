"""Embed, BatchReindex, Filter: layers that read numbers as indices or selectors."""

import numpy as np
import pytest

from scalpel_rt.errors import DataError, GraphError, ShapeError

from .harness import make, run

EMBED = 'type: "Embed" bottom: "i" top: "y" embed_param { input_dim: 4 num_output: 3 %s }'
TABLE = np.arange(12.0).reshape(4, 3)


def test_embed_picks_rows_and_adds_the_bias():
    got, = run(EMBED % "", [[0, 3], [2, 2]], params=[TABLE, [0.5, 0, -1]])
    np.testing.assert_array_equal(got, TABLE[[[0, 3], [2, 2]]] + [0.5, 0, -1])
    got, = run(EMBED % "bias_term: false", [1], params=[TABLE])
    np.testing.assert_array_equal(got, TABLE[[1]])


def test_embed_truncates_towards_zero():
    got, = run(EMBED % "bias_term: false", [2.9, -0.9], params=[TABLE])
    np.testing.assert_array_equal(got, TABLE[[2, 0]])


@pytest.mark.parametrize("index", [4, -1, np.nan, np.inf, 1e30])
def test_embed_out_of_range_is_an_error(index):
    with pytest.raises(DataError, match=r"index .* \(element 1\) .* 4 rows"):
        run(EMBED % "bias_term: false", [0, index], params=[TABLE])


def test_embed_needs_its_sizes():
    with pytest.raises(GraphError, match="input_dim"):
        make('type: "Embed" embed_param { num_output: 3 }')


def test_batch_reindex():
    x = np.arange(12.0).reshape(3, 2, 2)
    got, = run('type: "BatchReindex" bottom: "x" bottom: "i" top: "y"', x, [2, 0, 2, 2])
    np.testing.assert_array_equal(got, x[[2, 0, 2, 2]])
    none, = run('type: "BatchReindex" bottom: "x" bottom: "i" top: "y"', x, np.zeros(0))
    assert none.shape == (0, 2, 2)


def test_batch_reindex_errors():
    layer = make('type: "BatchReindex" bottom: "x" bottom: "i" top: "y"')
    with pytest.raises(ShapeError, match=r"\(2, 1\)"):
        layer.shapes([(3, 2), (2, 1)])
    with pytest.raises(DataError, match="index 3 .* 3 items"):
        run(layer, np.zeros((3, 2)), [0, 3])


def test_filter():
    layer = make('type: "Filter" bottom: "a" bottom: "b" bottom: "s" top: "fa" top: "fb"')
    a, b = np.arange(6.0).reshape(3, 2), np.arange(3.0)
    got = run(layer, a, b, [[-1], [0], [0.1]])
    np.testing.assert_array_equal(got[0], a[[0, 2]])
    np.testing.assert_array_equal(got[1], b[[0, 2]])
    assert [t.shape for t in run(layer, a, b, [0, 0, 0])] == [(0, 2), (0,)]
    assert layer.shapes([(3, 2), (3,), (3,)]) == [(3, 2), (3,)]


def test_filter_errors():
    layer = make('type: "Filter" bottom: "a" bottom: "s" top: "f"')
    with pytest.raises(ShapeError, match=r"\(3, 2\)"):
        layer.shapes([(3, 2), (3, 2)])
    with pytest.raises(ShapeError, match=r"\(4, 2\).*\(3,\)"):
        layer.shapes([(4, 2), (3,)])
    with pytest.raises(GraphError, match="1 for 2 bottoms, not 2"):
        layer.check_counts(2, 2)
