"""Layers that most nets of these tests are made of, and short ways to write others."""

from ..graph.nets import input_layer, layer

DATA = input_layer("data", 2, 3, 9, 8)


def conv(name, bottom, n=6, more="", *, top=None, type="Convolution", kernel=3):
    """A convolution that keeps the size of its bottom."""
    said = f"num_output: {n} kernel_size: {kernel} pad: {kernel // 2} {more}"
    return layer(type, bottom, top or name, f"convolution_param {{ {said} }}", name)


def fc(name, bottom, n=5, more="", spec=""):
    """An InnerProduct."""
    return layer("InnerProduct", bottom, name, f"{spec} inner_product_param {{ num_output: {n} {more} }}")


def some(type, bottom, top, said="", name=None):
    """Any layer; ``said`` goes into the parameter message that is called like the type, in lower case."""
    param = {"LRN": "lrn", "PReLU": "prelu", "SPP": "spp", "ROIPooling": "roi_pooling", "PriorBox": "prior_box",
             "ShuffleChannel": "shuffle_channel", "BN": "bn"}.get(type, type.lower())
    return layer(type, bottom, top, said and f"{param}_param {{ {said} }}", name)
