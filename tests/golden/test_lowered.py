"""Every golden net, said in the runtime's operations as far as it can be and worked out by the interpreter."""

import numpy as np
import pytest

import scalpel_rt as srt
from scalpel_rt.plan.interpret import interpret_all
from scalpel_rt.plan.spec import Builder, Program, Value

from .judge import difference
from .test_cases import GOOD, arrays, case_id, in_cases  # noqa: F401


@pytest.mark.parametrize("case", GOOD, ids=case_id)
def test_lowered_layers_give_what_caffe_gives(case):
    net = srt.load(f"{case['name']}.prototxt", case["weights"], dialect="bvlc", **(case.get("load_args") or {}))
    (inputs, want), *_ = arrays(case)
    net.reshape(**{name: np.shape(x) for name, x in inputs.items()})
    graph = net.graph
    values = {blob: np.zeros(blob.shape, np.float32) for blob in graph.inputs}
    values.update((blob, np.asarray(inputs[blob.name], np.float32)) for blob in graph.inputs if blob.name in inputs)
    for node in graph.nodes:
        layer = node.layer
        if layer.is_input:
            continue
        bottoms, params = [values[b] for b in node.bottoms], [p.array for p in node.params]
        state = {"state": layer.initial_state()} if layer.stateful else {}
        tops = None if layer.stateful or layer.dynamic else lowered(node, bottoms, params)
        if tops is None:
            tops = layer.forward(bottoms, params, **state)
        values.update(zip(node.tops, tops, strict=True))
    found = {blob.name: value for blob, value in values.items()}
    for name, value in want.items():
        why = difference(found[name], value)
        assert why is None, f"{name}: {why}"


def lowered(node, bottoms, params):
    """The tops as the interpreter makes them, or None where the layer has to run as it is."""
    build = Builder()
    build.layer(node.name)
    inputs = [Value(b.name, x.shape) for b, x in zip(node.bottoms, bottoms, strict=True)]
    shapes = node.layer.shapes([v.shape for v in inputs])
    outputs = [Value(b.name, tuple(s)) for b, s in zip(node.tops, shapes, strict=True)]
    if not node.layer.lower(build, inputs, outputs, params):
        return None
    values = interpret_all(Program(tuple(build.ops), tuple(inputs), tuple(outputs)), bottoms)
    return [values[v] for v in outputs]
