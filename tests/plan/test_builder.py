"""What layers write their operations with."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalpel_rt.plan.interpret import interpret
from scalpel_rt.plan.spec import MAX_COPY_DIMS, Builder, Program, Value


def strides(shape):
    return tuple(s // 4 for s in np.empty(shape, np.float32).strides)


@given(st.lists(st.integers(1, 3), min_size=1, max_size=6), st.randoms())
def test_copy_transposes(shape, random):
    """A permuted view's strides as a copy: neighbours that run on are merged, the meaning stays."""
    order = list(range(len(shape)))
    random.shuffle(order)
    x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    want = x.transpose(order)
    build, a, b = Builder(), Value("a", x.shape), Value("b", want.shape)
    steps = strides(shape)
    assert build.copy([a], b, [{"shape": want.shape, "x_strides": [steps[i] for i in order],
                                "y_strides": strides(want.shape)}])
    got, = interpret(Program(tuple(build.ops), (a,), (b,)), [x])
    np.testing.assert_array_equal(got, want)
    op, = build.ops
    if order == sorted(order):
        assert op.attrs["parts"][0]["dims"] == (x.size,)


def test_copy_merges_what_is_repeated():
    build, a, b = Builder(), Value("a", (4,)), Value("b", (2, 3, 4))
    build.copy([a], b, [{"shape": (2, 3, 4), "x_strides": (0, 0, 1), "y_strides": (12, 4, 1)}])
    part, = build.ops[0].attrs["parts"]
    assert (part["dims"], part["x_strides"], part["y_strides"]) == ((6, 4), (0, 1), (4, 1))


def test_copy_of_too_many_axes_is_not_made():
    shape = (2,) * (MAX_COPY_DIMS + 1)
    build, a, b = Builder(), Value("a", shape), Value("b", shape)
    assert not build.copy([a], b, [{"shape": shape, "x_strides": strides(shape)[::-1], "y_strides": strides(shape)}])
    assert build.ops == []


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="no such kind of operation: convolve"):
        Builder().op("convolve", [], [])


def test_reshaped_and_into_make_views_only_where_the_shape_differs():
    build, a = Builder(), Value("a", (2, 3))
    assert build.reshaped(a, (2, 3)) is a
    target, done = build.into(a, (2, 3))
    done()
    assert target is a and build.ops == []
    flat = build.reshaped(a, (6,))
    target, done = build.into(a, (6,))
    done()
    assert flat.shape == target.shape == (6,) and [op.kind for op in build.ops] == ["view", "view"]
