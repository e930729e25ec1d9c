"""NaN, infinities and extremes in weights and inputs: computed as any number, never a crash or a hang."""

import warnings

import numpy as np
import pytest

import scalpel_rt as srt
from scalpel_rt import isa
from scalpel_rt.errors import GraphError
from scalpel_rt.runtime.reference import ReferencePlan

from .nets import given, graph, layer

WILD = [np.nan, np.inf, -np.inf, 3.4e38, -3.4e38, 1e-45, -0.0]
NET = (given(2, 4, 9, 9)
       + layer("Convolution", "convolution_param { num_output: 8 kernel_size: 3 pad: 1 }", top='top: "c"', name="c")
       + layer("BatchNorm", bottom='bottom: "c"', top='top: "c"', name="b")
       + layer("ReLU", bottom='bottom: "c"', top='top: "c"', name="r")
       + layer("Pooling", "pooling_param { kernel_size: 2 stride: 2 }", bottom='bottom: "c"', top='top: "p"', name="p")
       + layer("LRN", bottom='bottom: "p"', top='top: "n"', name="n")
       + layer("InnerProduct", "inner_product_param { num_output: 6 }", bottom='bottom: "n"', top='top: "f"', name="f")
       + layer("Softmax", bottom='bottom: "f"', top='top: "s"', name="s"))


@pytest.mark.parametrize("level", isa.runnable())
@pytest.mark.parametrize("value", WILD, ids=str)
def test_wild_numbers_in_weights_and_inputs(level, value):
    rng = np.random.default_rng(3)
    net = srt.Net(graph(NET), srt.Options(isa=level, threads=1))
    for name, views in net.params.items():
        for view in views:
            view.data[...] = rng.standard_normal(view.data.shape) if name != "b" else 1
    x = rng.standard_normal((2, 4, 9, 9)).astype(np.float32)
    calm = net.forward(x=x)["s"].copy()
    net.params["c"][0].data[1, 2, 0, 1] = value
    assert net.forward(x=x)["s"].shape == calm.shape
    net.params["c"][0].data[1, 2, 0, 1] = 0.5
    x[0, 1, 4, 4] = value
    got = net.forward(x=x)["s"]
    with np.errstate(all="ignore"):
        [want] = ReferencePlan(net.graph).run_all(x)
    assert (np.isnan(got) == np.isnan(want))[1].all()      # the other image does not notice
    assert np.allclose(got[1], want[1], rtol=1e-3, atol=1e-5)
    x[0, 1, 4, 4] = 0.5
    net.params["c"][0].data[1, 2, 0, 1] = 0.25
    assert np.isfinite(net.forward(x=x)["s"]).all()        # and nothing of it stays in the plan


@pytest.mark.parametrize("said", ["min_size: nan", "min_size: inf", "min_size: 2 max_size: inf aspect_ratio: 1e-38",
                                  "min_size: 2 max_size: 4 aspect_ratio: 1e-38", "min_size: 1e20"])
def test_sizes_of_boxes_that_are_none(said):
    with pytest.raises(GraphError, match="prior_box_param"):
        graph(given(1, 1, 2, 2) + layer("PriorBox", f"prior_box_param {{ {said} }}", bottom='bottom: "x" bottom: "x"'))


@pytest.mark.parametrize("said", ["type: 'uniform' min: 3 max: -inf", "type: 'gaussian' std: nan", "value: inf"])
def test_fillers_that_start_from_no_number(said):
    with pytest.raises(GraphError, match="no number to start from"):
        graph(given(1, 2) + layer("InnerProduct", "inner_product_param { num_output: 3 weight_filler {" + said + "} }"))


def test_pruning_says_which_layer_has_a_nan():
    net = srt.Net(graph(NET))
    net.params["f"][0].data[2, 3] = np.nan
    for method in ("magnitude", "simd"):
        with pytest.raises(srt.WeightsError, match="'f'.*NaN"):
            srt.prune(net, method, sparsity=0.5)


def test_doubles_beyond_float32_come_in_silently():
    net = srt.Net(graph(given(1, 2) + layer("TanH")))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert net.forward(x=np.array([[1e300, -1e300]]))["y"].tolist() == [[1, -1]]
