"""Memory that runs out, anywhere between loading a net and running it: MemoryError, nothing leaks, and all goes on."""

import gc

import numpy as np
import pytest

import scalpel_rt as srt
from scalpel_rt.runtime import _kernels

from .nets import given, graph, layer

WHOLE = (given(1, 3, 8, 8)
         + layer("Convolution", "convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: 'xavier' } }",
                 top='top: "c"', name="c")
         + layer("ReLU", bottom='bottom: "c"', top='top: "c"', name="r")
         + layer("InnerProduct", "inner_product_param { num_output: 5 weight_filler { type: 'xavier' } }",
                 bottom='bottom: "c"', top='top: "f"', name="f"))
NETS = {"one plan": WHOLE,
        "in stages": WHOLE
        + layer("ArgMax", "argmax_param { top_k: 2 out_max_val: true }", bottom='bottom: "f"', name="a")
        + layer("TanH", bottom='bottom: "y"', top='top: "z"', name="t")}


@pytest.fixture(autouse=True)
def unlimited():
    yield
    _kernels.fail_allocation(0)


@pytest.mark.parametrize("text", NETS.values(), ids=NETS)
def test_every_allocation_of_loading_planning_cloning_and_running_fails_in_turn(text):
    x = np.random.default_rng(0).random((1, 3, 8, 8)).astype(np.float32)
    net = srt.Net(graph(text), srt.Options(threads=2))
    want = {name: array.copy() for name, array in net.forward(x=x).items()}
    del net
    gc.collect()
    before, failures, done = _kernels.allocations(), 0, False
    while not done:
        net = srt.Net(graph(text), srt.Options(threads=2))
        _kernels.fail_allocation(failures + 1)
        try:
            plan = net.compile()
            clone = plan.clone_state()
            results = [plan.run_all(x), clone.run_all(x), tuple(net.forward(x=x).values())]
            done = True
        except MemoryError:
            failures += 1
        finally:
            _kernels.fail_allocation(0)
        for name, array in net.forward(x=x).items():    # the net that met it is as good as new
            assert array.tobytes() == want[name].tobytes()
        plan = clone = net = None
        gc.collect()
        assert _kernels.allocations() == before
    for result in results:
        assert [array.tobytes() for array in result] == [array.tobytes() for array in want.values()]
    assert failures >= 3 + 5 + 5 + 3 + 5
