"""Small nets that the tests of pycaffe share."""

import pytest

import scalpel_rt.pycaffe as caffe

#: convolution, in-place ReLU, a blob with two readers (so that Caffe puts a Split), an inner product, a softmax
SMALL = """
name: "small"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 dim: 8 dim: 8 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } bias_filler { value: 0.1 } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool" pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
layer { name: "double" type: "Power" bottom: "pool" top: "double" power_param { scale: 2 } }
layer { name: "sum" type: "Eltwise" bottom: "pool" bottom: "double" top: "sum" }
layer { name: "fc" type: "InnerProduct" bottom: "sum" top: "fc"
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" }
"""


def input_layer(name, *dims):
    dims = " ".join(f"dim: {d}" for d in dims)
    return f'layer {{ name: "{name}" type: "Input" top: "{name}" input_param {{ shape {{ {dims} }} }} }}\n'


@pytest.fixture
def make(tmp_path):
    """make(text, ...): a Net of a prototxt's text; further arguments as for caffe.Net after the file."""
    def made(text=SMALL, phase=caffe.TEST, **more):
        path = tmp_path / "net.prototxt"
        path.write_text(text)
        return caffe.Net(str(path), phase, **more)
    return made
