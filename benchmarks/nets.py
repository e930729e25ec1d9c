"""The ten nets that whole-net figures are about, as prototxt text, and their weights: random, dense or with zeros.

Structures are those of the papers and of Caffe's model zoo; weights are random (He), which timing does not mind.
"""

import numpy as np

from scalpel_rt import zoo
from scalpel_rt.caffe import parse_prototxt
from scalpel_rt.graph import build
from scalpel_rt.net import Net

OURS = ("lenet_300_100", "lenet5", "convnet", "nin")


class Text:
    """Writes layers one after another; ``last`` is the blob that the next one reads."""

    def __init__(self, name, *shape):
        dims = " ".join(f"dim: {d}" for d in (1, *shape))
        self.text = (
            f'name: "{name}"\nlayer {{ name: "data" type: "Input" top: "data" input_param {{ shape {{ {dims} }} }} }}\n'
        )
        self.last = "data"

    def layer(self, name, kind, body="", bottoms=None, top=None):
        reads = " ".join(f'bottom: "{b}"' for b in bottoms or [self.last])
        self.last = top or name
        self.text += f'layer {{ name: "{name}" type: "{kind}" {reads} top: "{self.last}" {body} }}\n'
        return self.last

    def conv(self, name, outputs, kernel, stride=1, pad=0, group=1, relu=True, norm=False):
        numbers = f"num_output: {outputs} kernel_size: {kernel} stride: {stride} pad: {pad} group: {group}"
        self.layer(
            name,
            "Convolution",
            f'convolution_param {{ {numbers} bias_term: {str(not norm).lower()} weight_filler {{ type: "msra" }} }}',
        )
        if norm:
            self.layer(name + "/bn", "BatchNorm", top=self.last)
            self.layer(name + "/scale", "Scale", "scale_param { bias_term: true }", top=self.last)
        return self.relu(name) if relu else self.last

    def relu(self, name):
        return self.layer(name + "/relu", "ReLU", top=self.last)

    def pool(self, name, method, kernel, stride, pad=0, bottoms=None):
        return self.layer(
            name,
            "Pooling",
            f"pooling_param {{ pool: {method} kernel_size: {kernel} stride: {stride} pad: {pad} }}",
            bottoms,
        )

    def everything(self, name):
        return self.layer(name, "Pooling", "pooling_param { pool: AVE global_pooling: true }")

    def lrn(self, name):
        return self.layer(name, "LRN", "lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }")

    def full(self, name, outputs, relu=False):
        self.layer(
            name, "InnerProduct", f'inner_product_param {{ num_output: {outputs} weight_filler {{ type: "msra" }} }}'
        )
        return self.relu(name) if relu else self.last

    def softmax(self):
        self.layer("prob", "Softmax")
        return self.text


def alexnet():
    t = Text("AlexNet", 3, 227, 227)
    t.conv("conv1", 96, 11, 4), t.lrn("norm1"), t.pool("pool1", "MAX", 3, 2)
    t.conv("conv2", 256, 5, pad=2, group=2), t.lrn("norm2"), t.pool("pool2", "MAX", 3, 2)
    t.conv("conv3", 384, 3, pad=1), t.conv("conv4", 384, 3, pad=1, group=2), t.conv("conv5", 256, 3, pad=1, group=2)
    t.pool("pool5", "MAX", 3, 2), t.full("fc6", 4096, True), t.full("fc7", 4096, True), t.full("fc8", 1000)
    return t.softmax()


def googlenet():
    t = Text("GoogLeNet", 3, 224, 224)
    t.conv("conv1", 64, 7, 2, 3), t.pool("pool1", "MAX", 3, 2), t.lrn("norm1")
    t.conv("conv2_reduce", 64, 1), t.conv("conv2", 192, 3, pad=1), t.lrn("norm2"), t.pool("pool2", "MAX", 3, 2)
    table = [
        ("3a", 64, 96, 128, 16, 32, 32),
        ("3b", 128, 128, 192, 32, 96, 64),
        ("4a", 192, 96, 208, 16, 48, 64),
        ("4b", 160, 112, 224, 24, 64, 64),
        ("4c", 128, 128, 256, 24, 64, 64),
        ("4d", 112, 144, 288, 32, 64, 64),
        ("4e", 256, 160, 320, 32, 128, 128),
        ("5a", 256, 160, 320, 32, 128, 128),
        ("5b", 384, 192, 384, 48, 128, 128),
    ]
    for name, one, three_in, three, five_in, five, pooled in table:
        if name in ("4a", "5a"):
            t.pool("pool" + name, "MAX", 3, 2)
        x, branches = t.last, []
        for part in (
            [("1x1", one, 1, 0)],
            [("3x3_reduce", three_in, 1, 0), ("3x3", three, 3, 1)],
            [("5x5_reduce", five_in, 1, 0), ("5x5", five, 5, 2)],
        ):
            t.last = x
            for kind, outputs, kernel, pad in part:
                t.conv(f"{name}/{kind}", outputs, kernel, pad=pad)
            branches.append(t.last)
        t.pool(f"{name}/pool", "MAX", 3, 1, 1, [x])
        branches.append(t.conv(f"{name}/proj", pooled, 1))
        t.layer(f"{name}/output", "Concat", bottoms=branches)
    t.everything("pool5"), t.full("fc", 1000)
    return t.softmax()


def squeezenet():
    t = Text("SqueezeNet 1.1", 3, 227, 227)
    t.conv("conv1", 64, 3, 2), t.pool("pool1", "MAX", 3, 2)
    for i, (squeeze, expand) in enumerate(
        [(16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256)], 2
    ):
        x = t.conv(f"fire{i}/squeeze", squeeze, 1)
        one = t.conv(f"fire{i}/expand1x1", expand, 1)
        t.last = x
        t.layer(f"fire{i}", "Concat", bottoms=[one, t.conv(f"fire{i}/expand3x3", expand, 3, pad=1)])
        if i in (3, 5):
            t.pool(f"pool{i}", "MAX", 3, 2)
    t.conv("conv10", 1000, 1), t.everything("pool10")
    return t.softmax()


def mobilenet():
    t = Text("MobileNet v1", 3, 224, 224)
    t.conv("conv1", 32, 3, 2, 1, norm=True)
    channels = 32
    for i, (outputs, stride) in enumerate(
        [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)], 2
    ):
        t.conv(f"conv{i}/dw", channels, 3, stride, 1, group=channels, norm=True)
        t.conv(f"conv{i}/sep", outputs, 1, norm=True)
        channels = outputs
    t.everything("pool"), t.conv("fc", 1000, 1, relu=False)
    return t.softmax()


def resnet50():
    t = Text("ResNet-50", 3, 224, 224)
    t.conv("conv1", 64, 7, 2, 3, norm=True), t.pool("pool1", "MAX", 3, 2)
    for stage, (blocks, inner) in enumerate([(3, 64), (4, 128), (6, 256), (3, 512)], 2):
        for block in range(blocks):
            name, x, stride = f"res{stage}{'abcdef'[block]}", t.last, 2 if block == 0 and stage > 2 else 1
            short = t.conv(name + "/branch1", 4 * inner, 1, stride, relu=False, norm=True) if block == 0 else x
            t.last = x
            (
                t.conv(name + "/branch2a", inner, 1, stride, norm=True),
                t.conv(name + "/branch2b", inner, 3, pad=1, norm=True),
            )
            long = t.conv(name + "/branch2c", 4 * inner, 1, relu=False, norm=True)
            t.layer(name, "Eltwise", bottoms=[short, long]), t.relu(name)
    t.everything("pool5"), t.full("fc1000", 1000)
    return t.softmax()


def vgg16():
    t = Text("VGG-16", 3, 224, 224)
    for i, (times, outputs) in enumerate([(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)], 1):
        for j in range(1, times + 1):
            t.conv(f"conv{i}_{j}", outputs, 3, pad=1)
        t.pool(f"pool{i}", "MAX", 2, 2)
    t.full("fc6", 4096, True), t.full("fc7", 4096, True), t.full("fc8", 1000)
    return t.softmax()


OTHERS = {f.__name__: f for f in (alexnet, googlenet, squeezenet, mobilenet, resnet50, vgg16)}
NAMES = (*OURS, *OTHERS)


def text(name):
    """The prototxt of a net."""
    return OTHERS[name]() if name in OTHERS else (zoo.path(name) / "deploy.prototxt").read_text()


def make(name, zeros=0.0, form="group_in", width=8, seed=0):
    """A Net of that name with random weights.

    ``zeros`` is the share of weights that are zero in every convolution and fully connected layer but the first
    convolution: in random groups of ``width`` along the inputs ("group_in") or outputs ("group_out"), or one by one
    ("csr").
    """
    net = Net(build(parse_prototxt(text(name)), seed=seed))
    rng = np.random.default_rng(seed)
    first = True
    for node in net.layers:
        if node.type == "BatchNorm":
            mean, variance, factor = (p.array for p in node.params)
            mean[...], variance[...], factor[...] = (
                0.1 * rng.standard_normal(mean.shape),
                0.5 + rng.random(variance.shape),
                1,
            )
        elif node.type == "Convolution" and first:
            first = False
        elif node.type in ("Convolution", "InnerProduct") and zeros:
            w = node.params[0].array
            w *= mask(w.reshape(len(w), -1).shape, zeros, form, width, rng).reshape(w.shape)
    return net


def one_layer(shape):
    """A Net of one layer, a Shape, with the weights that ``shape.op()`` has."""
    t = Text(shape.name, *shape.x[1:])
    if shape.kind == "fc":
        t.full(shape.name, shape.y[0])
    else:
        sizes = " ".join(f"{field}_{side}: {size}" for field in ("kernel", "stride", "pad")
                         for side, size in zip("hw", getattr(shape, field), strict=True))
        sizes += f" dilation: {shape.dilation[0]} group: {shape.group}"
        t.layer(shape.name, "Convolution", f"convolution_param {{ num_output: {shape.y[0]} {sizes} }}")
    net, op = Net(build(parse_prototxt(t.text))), shape.op()
    for view, name in zip(net.params[shape.name], "wb", strict=True):
        view.data[...] = op.weights[name]
    return net


def mask(shape, zeros, form, width, rng):
    """0/1 float32 matrix (M, K) in which about the share ``zeros`` is 0, in groups of the form."""
    m, k = shape
    if form == "csr":
        return (rng.random(shape) >= zeros).astype(np.float32)
    if form == "group_in":
        return np.repeat(rng.random((m, -(-k // width))) >= zeros, width, axis=1)[:, :k].astype(np.float32)
    return np.repeat(rng.random((-(-m // width), k)) >= zeros, width, axis=0)[:m].astype(np.float32)
