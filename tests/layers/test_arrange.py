"""Layers that move numbers without changing them, and Eltwise and Reduction that join or add them up."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalpel_rt.errors import GraphError, ShapeError

from .harness import assert_close, kinds, make, run


def numbers(*shape, seed=0):
    return np.random.default_rng((seed, *shape)).standard_normal(shape).astype(np.float32)


def text(kind, param="", bottoms=1, tops=1):
    return (f'type: "{kind}" ' + "".join(f'bottom: "x{i}" ' for i in range(bottoms))
            + "".join(f'top: "y{i}" ' for i in range(tops)) + param)


@pytest.mark.parametrize("param, axis", [
    ("", 1), ("concat_param { axis: 0 }", 0), ("concat_param { axis: -1 }", 2), ("concat_param { concat_dim: 2 }", 2)])
def test_concat(param, axis):
    shapes = [[2, 3, 4] for _ in range(3)]
    for i, shape in enumerate(shapes):
        shape[axis] = i + 1
    parts = [numbers(*shape, seed=i) for i, shape in enumerate(shapes)]
    got, = run(text("Concat", param, 3), *parts)
    np.testing.assert_array_equal(got, np.concatenate(parts, axis))
    assert kinds(text("Concat", param, 3), *parts) == ["copy"]
    assert kinds(text("Concat", param), parts[0]) == []


def test_concat_errors():
    with pytest.raises(GraphError, match="axis 1 and concat_dim 1"):
        make(text("Concat", "concat_param { axis: 1 concat_dim: 1 }"))
    with pytest.raises(ShapeError, match=r"bottom 0 has shape \(2, 3\) and bottom 1 \(4, 3\)"):
        make(text("Concat", "", 2)).shapes([(2, 3), (4, 3)])
    with pytest.raises(ShapeError, match=r"\(2, 3\) and bottom 1 \(2, 3, 1\)"):
        make(text("Concat", "", 2)).shapes([(2, 3), (2, 3, 1)])


@pytest.mark.parametrize("param, axis, cuts", [
    ("", 1, [2, 4]),
    ("slice_param { slice_point: 1 slice_point: 5 }", 1, [1, 5]),
    ("slice_param { axis: 0 slice_point: 1 slice_point: 2 }", 0, [1, 2]),
    ("slice_param { axis: -1 slice_point: 1 slice_point: 3 }", 2, [1, 3]),
    ("slice_param { slice_dim: 2 slice_point: 1 slice_point: 3 }", 2, [1, 3]),
])
def test_slice(param, axis, cuts):
    x = numbers(3, 6, 4)
    for got, want in zip(run(text("Slice", param, 1, 3), x), np.split(x, cuts, axis), strict=True):
        np.testing.assert_array_equal(got, want)
    assert kinds(text("Slice", param, 1, 3), x) == ["copy"] * 3


@pytest.mark.parametrize("param, tops, words", [
    ("slice_point: 2", 3, r"1 slice_point\(s\) \[2\] for 3 tops: 2 are needed"),
    ("slice_point: 2 slice_point: 2", 3, r"\[2, 2\] of axis 1, size 5, makes an empty piece from 2 to 2"),
    ("slice_point: 5", 2, "empty piece from 5 to 5"),
    ("slice_point: 7", 2, "empty piece from 7 to 5"),
    ("slice_point: 0", 2, "empty piece from 0 to 0"),
    ("", 2, r"axis 1, size 5, cannot be cut into 2 equal parts; bottom shape \(2, 5\)"),
    ("axis: 1 slice_dim: 1", 1, "axis 1 and slice_dim 1"),
])
def test_slice_errors(param, tops, words):
    with pytest.raises(GraphError, match=words):
        make(text("Slice", f"slice_param {{ {param} }}", 1, tops)).shapes([(2, 5)])


def test_split_copies_to_every_top():
    x = numbers(2, 3)
    for got in run(text("Split", "", 1, 3), x):
        np.testing.assert_array_equal(got, x)


@pytest.mark.parametrize("param, index", [
    ("", np.s_[:, :, :2, :3]),
    ("axis: 3 offset: 1", np.s_[:, :, :, 1:4]),
    ("offset: 2", np.s_[:, :, 2:4, 2:5]),
    ("offset: 1 offset: 2", np.s_[:, :, 1:3, 2:5]),
    ("axis: 1 offset: 2 offset: 0 offset: 1", np.s_[:, 2:3, :2, 1:4]),
    ("axis: -4", np.s_[:1, :1, :2, :3]),
])
def test_crop(param, index):
    x, like = numbers(2, 3, 4, 5), np.full((1, 1, 2, 3), np.nan)
    param = f"crop_param {{ {param} }}"
    np.testing.assert_array_equal(run(text("Crop", param, 2), x, like)[0], x[index])
    assert kinds(text("Crop", param, 2), x, like) == ["copy"]


@pytest.mark.parametrize("param, like, words", [
    ("offset: 1 offset: 1 offset: 1", (2, 3, 2, 2), "3 values of offset .* for 2 cropped axes"),
    ("offset: 3", (2, 3, 2, 2), r"axis 2: offset 3 and size 2 reach beyond 4.*\(2, 3, 4, 5\) and \(2, 3, 2, 2\)"),
    ("", (2, 3, 2), r"second bottom, shape \(2, 3, 2\), has fewer axes"),
    ("axis: 4", (2, 3, 2, 2), "axis 4 is out of range"),
])
def test_crop_errors(param, like, words):
    with pytest.raises(GraphError, match=words):
        make(text("Crop", f"crop_param {{ {param} }}", 2)).shapes([(2, 3, 4, 5), like])


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_tile(axis):
    x, param = numbers(2, 3, 2), f"tile_param {{ axis: {axis} tiles: 3 }}"
    tiles = [1, 1, 1]
    tiles[axis] = 3
    np.testing.assert_array_equal(run(text("Tile", param), x)[0], np.tile(x, tiles))
    assert kinds(text("Tile", param), x) == ["copy"]
    with pytest.raises(GraphError, match="tiles must be at least 1, not 0"):
        make(text("Tile"))


@pytest.mark.parametrize("param, shape", [
    ("", (2, 60)), ("axis: 0", (120,)), ("axis: 1 end_axis: 2", (2, 12, 5)), ("axis: -2", (2, 3, 20)),
    ("end_axis: -2", (2, 12, 5)), ("axis: 2 end_axis: 1", (2, 3, 1, 4, 5))])
def test_flatten(param, shape):
    x = numbers(2, 3, 4, 5)
    param = f"flatten_param {{ {param} }}"
    np.testing.assert_array_equal(run(text("Flatten", param), x)[0], x.reshape(shape))


def test_flatten_errors():
    with pytest.raises(ShapeError, match="axis 1 is out of range .* 1 axes"):
        make(text("Flatten")).shapes([(3,)])
    with pytest.raises(ShapeError, match="end_axis 0 lies before axis 2"):
        make(text("Flatten", "flatten_param { axis: 2 end_axis: 0 }")).shapes([(2, 3, 4)])


def dims(*values):
    return "shape { " + " ".join(f"dim: {v}" for v in values) + " } "


@pytest.mark.parametrize("param, shape", [
    (dims(0, -1), (2, 60)),
    (dims(-1), (120,)),
    (dims(0, 0, 0, 0) + "axis: 1", None),                       # copies past the last axis
    (dims(-1, 5) + "axis: 1", (2, 12, 5)),
    (dims(12) + "axis: 1 num_axes: 2", (2, 12, 5)),
    (dims(1, 1) + "axis: -1", (2, 3, 4, 5, 1, 1)),
    (dims(1) + "axis: 1 num_axes: 0", (2, 1, 3, 4, 5)),
    (dims(20) + "axis: -3", (2, 3, 20)),
    (dims(0, 0, 20), (2, 3, 20)),
])
def test_reshape(param, shape):
    x, param = numbers(2, 3, 4, 5), f"reshape_param {{ {param} }}"
    if shape is None:
        with pytest.raises(ShapeError, match=r"copies axis .* \(2, 3, 4, 5\)"):
            make(text("Reshape", param)).shapes([x.shape])
    else:
        np.testing.assert_array_equal(run(text("Reshape", param), x)[0], x.reshape(shape))


def test_reshape_to_no_axes():
    assert run(text("Reshape", "reshape_param { shape { } }"), [[3.0]])[0].shape == ()


@pytest.mark.parametrize("param, words", [
    (dims(-1, -1), r"\(-1, -1\) may hold one -1"),
    (dims(-2), "may hold one -1 and no other negative"),
    (dims(7, -1), r"\(2, 3, 4, 5\), 120 elements, does not fill \(7, -1\)"),
    (dims(7), r"shape \(2, 3, 4, 5\), has 120 elements, .*\(7,\), has 7"),
    (dims(1) + "axis: 5", "axis 5 .* out of range"),
    (dims(1) + "axis: 3 num_axes: 2", "axis 3 with num_axes 2 is out of range"),
    (dims(1) + "num_axes: -2", "num_axes must be at least -1"),
])
def test_reshape_errors(param, words):
    with pytest.raises(GraphError, match=words):
        make(text("Reshape", f"reshape_param {{ {param} }}")).shapes([(2, 3, 4, 5)])


@pytest.mark.parametrize("n", [2, 3, 5])
@pytest.mark.parametrize("operation, f", [
    ("PROD", lambda xs: np.prod(xs, 0)), ("SUM", lambda xs: np.sum(xs, 0)), ("MAX", lambda xs: np.max(xs, 0))])
def test_eltwise(operation, f, n):
    xs = [numbers(2, 3, seed=i).astype(float) for i in range(n)]
    param = f"eltwise_param {{ operation: {operation} }}"
    assert_close(run(text("Eltwise", param, n), *xs)[0], f(xs))
    assert kinds(text("Eltwise", param, n), *xs) == ["eltwise"] * (n - 1)


def test_eltwise_coefficients():
    xs = [numbers(4, seed=i) for i in range(3)]
    coeff = "coeff: 2 coeff: -1 coeff: 0.5"
    got, = run(text("Eltwise", f"eltwise_param {{ {coeff} }}", 3), *xs)
    assert_close(got, 2 * xs[0] - xs[1] + 0.5 * xs[2])
    got, = run(text("Eltwise", f"eltwise_param {{ operation: MAX {coeff} }}", 3), *xs)
    np.testing.assert_array_equal(got, np.max(xs, 0))


def test_eltwise_max_of_nan_depends_on_the_order_as_in_caffe():
    nan = np.nan
    got, = run(text("Eltwise", "eltwise_param { operation: MAX }", 2), [nan, 1, nan], [2, nan, nan])
    np.testing.assert_array_equal(got, [2, nan, nan])
    got, = run(text("Eltwise", "eltwise_param { operation: MAX }", 3), [1, 1], [nan, 2], [3, nan])
    np.testing.assert_array_equal(got, [nan, 2])


def test_eltwise_errors():
    with pytest.raises(GraphError, match="3 values of coeff for 2 bottoms"):
        make(text("Eltwise", "eltwise_param { coeff: 1 coeff: 1 coeff: 1 }", 2))
    with pytest.raises(GraphError, match=r"coeff \[1.0, 1.0\] with operation PROD"):
        make(text("Eltwise", "eltwise_param { operation: PROD coeff: 1 coeff: 1 }", 2))
    with pytest.raises(ShapeError, match=r"\(2, 3\) and bottom 1 \(2, 1\)"):
        make(text("Eltwise", "", 2)).shapes([(2, 3), (2, 1)])


@pytest.mark.parametrize("operation, f", [
    ("SUM", np.sum), ("MEAN", np.mean), ("ASUM", lambda x, axes: np.abs(x).sum(axes)),
    ("SUMSQ", lambda x, axes: (x * x).sum(axes))])
@pytest.mark.parametrize("axis, axes", [(0, (0, 1, 2)), (1, (1, 2)), (-1, (2,))])
def test_reduction(operation, f, axis, axes):
    x = numbers(2, 3, 4).astype(float)
    param = f"reduction_param {{ operation: {operation} axis: {axis} coeff: -2 }}"
    assert_close(run(text("Reduction", param), x)[0], -2 * f(x, axes))
    assert kinds(text("Reduction", param), x) == ["reduce"]


@given(st.lists(st.integers(1, 3), min_size=1, max_size=4), st.data())
def test_what_slice_cuts_concat_joins(shape, data):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    size = shape[axis]
    x = numbers(*shape)
    pieces = run(text("Slice", f"slice_param {{ axis: {axis} }}", 1, size), x)
    np.testing.assert_array_equal(run(text("Concat", f"concat_param {{ axis: {axis} }}", size), *pieces)[0], x)
