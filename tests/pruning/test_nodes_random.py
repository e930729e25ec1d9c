"""Removing nodes from random nets, joined in all the ways that nets are joined, gives what masking them gives."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scalpel_rt.errors import OptionsError
from scalpel_rt.graph import verify
from scalpel_rt.pruning.couple import couple
from scalpel_rt.pruning.nodes import removable
from scalpel_rt.pruning.remove import remove

from ..graph.nets import graph, input_layer, layer
from .judge import feeds, masked_run, randomize, run

UNARY = ("ReLU", "Sigmoid", "Scale", "BatchNorm", "PReLU", "Bias", "Dropout", "TanH")


@st.composite
def nets(draw):
    """The text of a net over an image (2, 3, 6, 5): convolutions, channel by channel layers, joins and cuts, and at
    the end one fully connected layer for whatever nobody has read."""
    blobs = {"data": 3}     # name -> channels; all are 6 x 5
    read = set()
    text = input_layer("data", 2, 3, 6, 5)
    for i in range(draw(st.integers(2, 9))):
        name, kind = f"n{i}", draw(st.sampled_from(("conv", "conv", "group", "depthwise", "unary", "eltwise", "concat",
                                                    "slice", "pool", "flat")))
        source = draw(st.sampled_from(sorted(blobs)))
        channels = blobs[source]
        if kind == "eltwise":
            others = sorted(b for b, c in blobs.items() if c == channels)
            more = draw(st.lists(st.sampled_from(others), min_size=1, max_size=2))
            how = draw(st.sampled_from(("SUM", "PROD", "MAX")))
            text += layer("Eltwise", " ".join([source, *more]), name, f"eltwise_param {{ operation: {how} }}")
            read.update(more)
            blobs[name] = channels
        elif kind == "concat":
            more = draw(st.lists(st.sampled_from(sorted(blobs)), min_size=1, max_size=2))
            if channels + sum(blobs[b] for b in more) > 24:
                continue
            text += layer("Concat", " ".join([source, *more]), name)
            read.update(more)
            blobs[name] = channels + sum(blobs[b] for b in more)
        elif kind == "slice":
            if channels < 2:
                continue
            at = draw(st.integers(1, channels - 1))
            text += layer("Slice", source, f"{name} {name}b", f"slice_param {{ slice_point: {at} }}")
            blobs[name], blobs[name + "b"] = at, channels - at
        elif kind == "unary":
            text += layer(draw(st.sampled_from(UNARY)), source, name)
            blobs[name] = channels
        elif kind == "pool":
            how = draw(st.sampled_from(("MAX", "AVE")))
            text += layer("Pooling", source, name, f"pooling_param {{ pool: {how} kernel_size: 3 pad: 1 }}")
            blobs[name] = channels
        elif kind == "flat":
            text += layer("Flatten", source, name + "f") + layer(
                "InnerProduct", name + "f", name + "p", f"inner_product_param {{ num_output: {4 * 30} }}") + layer(
                "Reshape", name + "p", name, "reshape_param { shape { dim: 0 dim: 4 dim: 6 dim: 5 } }")
            blobs[name] = 4
        else:
            group = {"conv": 1, "depthwise": channels}.get(kind) or draw(
                st.sampled_from([g for g in (1, 2, 3) if channels % g == 0]))
            n = draw(st.sampled_from((1, 2))) * group if kind == "depthwise" else draw(st.integers(1, 4)) * group
            text += layer("Convolution", source, name, f"convolution_param {{ num_output: {n} kernel_size: 3 pad: 1 "
                                                       f"group: {group} }}")
            blobs[name] = n
        read.add(source)
    ends = [b for b in blobs if b not in read]
    text += "".join(layer("InnerProduct", b, f"{b}_out", "inner_product_param { num_output: 2 }") for b in ends)
    return text


@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(nets(), st.integers(0, 2**32), st.sampled_from((0.1, 0.3, 0.6)))
def test_removed_equals_masked(text, seed, share):
    whole = randomize(graph(text))
    coupling = couple(whole)
    able = np.flatnonzero(removable(coupling, np.arange(coupling.size)))
    gone = np.zeros(coupling.size, bool)
    gone[able] = np.random.default_rng(seed).random(len(able)) < share
    try:
        small = remove(coupling, gone)
    except OptionsError as error:       # a layer, a group or a piece would lose everything
        assert "would be removed" in str(error)
        return
    verify(small)
    inputs = feeds(whole)
    want = masked_run(whole, {name: gone[classes] for name, classes in coupling.makers.items()}, inputs)
    got = run(small, inputs)
    assert got.keys() == want.keys()
    for name in want:
        size = np.abs(want[name]).max()
        np.testing.assert_allclose(got[name], want[name], rtol=1e-5, atol=1e-5 * max(size, 1), err_msg=name)
    parameters = [sum(p.array.size for node in g.nodes for p in node.params) for g in (small, whole)]
    assert parameters[0] < parameters[1] or not gone.any()
