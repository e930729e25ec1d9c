"""Make a layer from the text of its prototxt, and run it alone with all that its contract promises checked."""

import numpy as np

from scalpel_rt.caffe import parse_prototxt
from scalpel_rt.layers import find
from scalpel_rt.plan.interpret import interpret
from scalpel_rt.plan.spec import Builder, Program, Value


def make(text, phase="TEST"):
    """The Layer of ``layer { name: "it" <text> }``."""
    message = parse_prototxt('layer { name: "it" ' + text + " }").layer[0]
    return find(message.type)(message, phase)


def run(layer, *bottoms, params=(), state=None):
    """Tops of a forward. ``layer`` may be text. Checks counts, shapes, dtypes, that nothing given was written, and that
    what the layer lowers to, if it does, gives the same."""
    if isinstance(layer, str):
        layer = make(layer)
    bottoms = [np.asarray(b, np.float32) for b in bottoms]
    params = [np.asarray(p, np.float32) for p in params]
    n_tops = len(layer.message.top) or (layer.tops[0] if layer.is_loss else 0)
    layer.check_counts(len(bottoms), n_tops)
    shapes = layer.shapes([b.shape for b in bottoms])
    assert len(shapes) == n_tops
    wanted = layer.param_shapes([b.shape for b in bottoms])
    assert [p.shape for p in params] == [tuple(s) for s in wanted]
    assert len(layer.fillers()) in (0, len(wanted))
    before = [a.copy() for a in (*bottoms, *params)]
    for array in (*bottoms, *params):
        array.flags.writeable = False
    given = {"state": layer.initial_state() if state is None else state} if layer.stateful else {}
    tops = layer.forward(bottoms, params, **given)
    assert len(tops) == n_tops
    for top, shape in zip(tops, shapes, strict=True):
        assert isinstance(top, np.ndarray) and top.dtype == np.float32
        assert layer.dynamic or top.shape == tuple(shape)
    for array, old in zip((*bottoms, *params), before, strict=True):
        np.testing.assert_array_equal(array, old)
    program = lowered(layer, bottoms, params)
    if program is not None:
        for got, want in zip(interpret(program, bottoms), tops, strict=True):
            assert_close(got, want)
    return tops


def lowered(layer, bottoms, params=()):
    """The Program that the layer lowers to for these arrays, or None. ``layer`` may be text."""
    if isinstance(layer, str):
        layer = make(layer)
    if layer.stateful or layer.dynamic or layer.is_input:
        return None
    inputs = tuple(Value(f"x{i}", np.shape(b)) for i, b in enumerate(bottoms))
    outputs = tuple(Value(f"y{i}", tuple(s)) for i, s in enumerate(layer.shapes([v.shape for v in inputs])))
    build = Builder()
    build.layer(layer.name)
    if layer.lower(build, inputs, outputs, [np.asarray(p, np.float32) for p in params]):
        return Program(tuple(build.ops), inputs, outputs)
    return None


def lowers(layer, *bottoms, params=()):
    """Whether the layer can be said in the runtime's operations. ``layer`` may be text."""
    return lowered(layer, bottoms, params) is not None


def kinds(layer, *bottoms, params=()):
    """The kinds of operation that the layer lowers to, views left out, or None. ``layer`` may be text."""
    program = lowered(layer, bottoms, params)
    return None if program is None else [op.kind for op in program.ops if op.kind != "view"]


def assert_close(got, want, tolerance=1e-5):
    """Same shape, same NaN, same infinities, and no further apart than tolerance * max(1, greatest)."""
    got, want = np.asarray(got, np.float64), np.asarray(want, np.float64)
    assert got.shape == want.shape
    finite = np.isfinite(want)
    np.testing.assert_array_equal(got[~finite], want[~finite])
    if finite.any():
        limit = tolerance * max(1.0, np.abs(want[finite]).max())
        np.testing.assert_allclose(got[finite], want[finite], rtol=0, atol=limit)
