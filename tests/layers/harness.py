"""Make a layer from the text of its prototxt, and run it alone with all that its contract promises checked."""

import numpy as np

from scalpel_rt.caffe import parse_prototxt
from scalpel_rt.layers import find


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
    for array, old in zip((*bottoms, *params), before, strict=True):
        np.testing.assert_array_equal(array, old)
    return tops
