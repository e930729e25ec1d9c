"""Real net descriptions lose random nodes: detectors, segmenters, residual, dense, grouped, depthwise, of all ages."""

import numpy as np
import pytest

from scalpel_rt.graph import summarize, verify
from scalpel_rt.pruning.couple import couple
from scalpel_rt.pruning.nodes import removable
from scalpel_rt.pruning.remove import remove

from ..models.test_corpus import FILES, REFUSED, built, feed, fill, of
from .judge import masked_run, run

CHEAP = 5e6     # multiply-adds beyond which the reference is not asked


@pytest.mark.parametrize("name", [name for name in FILES if of(REFUSED, name) is None])
def test_it_loses_nodes(shared, name):
    whole = built(shared, name)
    about = summarize(whole)
    cheap = about.multiply_adds <= CHEAP and not any(node.layer.stateful for node in whole.nodes)
    if cheap:
        fill(whole)
    else:
        for node in whole.nodes:
            for param in node.params:
                param.array = np.broadcast_to(np.float32(0), param.shape)
    coupling = couple(whole)
    able = np.flatnonzero(removable(coupling, np.arange(coupling.size)))
    gone = np.zeros(coupling.size, bool)
    gone[able] = np.random.default_rng(0).random(len(able)) < 0.4
    for classes in coupling.needs():
        if gone[classes].all():
            gone[classes[0]] = False
    small = verify(remove(coupling, gone))
    assert summarize(small).parameters < about.parameters or not len(able)
    assert [(b.name, b.shape) for b in small.outputs] == [(b.name, b.shape) for b in whole.outputs]
    if not cheap:
        return
    inputs = feed(whole)
    inputs = [np.asarray(inputs[blob.name], np.float32) for blob in whole.inputs]
    want = masked_run(whole, {n: gone[classes] for n, classes in coupling.makers.items()}, inputs)
    got = run(small, inputs)
    for blob, value in want.items():
        size = max(1, np.abs(value[np.isfinite(value)]).max(initial=0))
        np.testing.assert_allclose(got[blob], value, rtol=1e-4, atol=1e-4 * size, err_msg=blob)
