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
    """Tops of a forward. ``layer`` may be text. Checks counts, shapes, dtypes, and that nothing given was written."""
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
    check_lowered(layer, bottoms, tops, params)
    for array, old in zip((*bottoms, *params), before, strict=True):
        np.testing.assert_array_equal(array, old)
    return tops


def check_lowered(layer, bottoms, tops, params):
    """What ``lower`` says, where it says something, comes to the same as ``forward``."""
    values = [Value(f"b{i}", b.shape) for i, b in enumerate(bottoms)]
    wanted = [Value(f"t{i}", t.shape) for i, t in enumerate(tops)]
    build = Builder()
    build.layer(layer.name)
    if layer.lower(build, values, wanted, params):
        got = interpret(Program(tuple(build.ops), tuple(values), tuple(wanted)), bottoms)
        for mine, top in zip(got, tops, strict=True):
            np.testing.assert_allclose(mine, top, rtol=2e-6, atol=2e-6 * max(1, np.abs(top).max(initial=0)))


def lowers(layer, *bottoms, params=()):
    """Whether the layer can be said in the runtime's operations."""
    layer = make(layer) if isinstance(layer, str) else layer
    bottoms = [np.asarray(b, np.float32) for b in bottoms]
    shapes = layer.shapes([b.shape for b in bottoms])
    return layer.lower(Builder(), [Value("b", b.shape) for b in bottoms], [Value("t", s) for s in shapes],
                       [np.asarray(p, np.float32) for p in params])
