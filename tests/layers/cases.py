"""A random case of each layer type that compiles: what test_compiled.py holds against float64.

``CASES`` has for each type a function of a Draw that gives (parameters as text, bottoms, bound). The bound of each
element is one of

* SAME: the same bits;
* SUM: the layer is linear in its bottoms and blobs, apart from signs; off by at most (3 + sqrt(k)) eps times what it
  gives for the magnitudes of all that goes in, k products an element;
* a function of (y, bottoms, params), all float64, that gives the bound.

``AMONG`` has those that compile only behind others, or have no top to look at: for each type a function of a Draw that
gives (layers as texts, {blob: array} of what goes in, the blob to look at), which has to have the same bits.
"""

import numpy as np

EPS = float(np.finfo(np.float32).eps)
SAME, SUM = "same", "sum"


class Draw:
    """Random numbers of one seed."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def int(self, low, high):
        return int(self.rng.integers(low, high + 1))

    def one(self, *of):
        return of[self.rng.integers(len(of))]

    def array(self, *shape):
        return self.rng.standard_normal(shape).astype(np.float32)

    def positive(self, *shape):
        return self.rng.uniform(0.1, 3, shape).astype(np.float32)

    def shape(self, axes=4, most=9):
        return (self.int(1, 3), *(self.int(1, most) for _ in range(axes - 1)))

    def anything(self):
        return self.array(*self.shape(self.int(1, 5)))

    def image(self, least=1, most=13):
        return self.array(self.int(1, 2), self.int(1, 9), self.int(least, most), self.int(least, most))


CASES, AMONG = {}, {}


def case(*types, where=CASES):
    """Decorator: the function makes cases of these types."""
    def keep(f):
        where.update(dict.fromkeys(types, f))
        return f
    return keep


def ulps(n, floor=0.0):
    """A bound of ``n`` units in the last place and ``floor`` beside them."""
    return lambda y, bottoms, params: n * EPS * np.abs(y) + floor


def elementwise(name, params, bound, positive=False):
    """A function of each element; ``params`` are the texts to choose from."""
    @case(name)
    def _(d):
        x = d.positive(*d.shape(d.int(1, 5))) if positive else d.anything()
        return d.one(*params), [x], bound


elementwise("AbsVal", [""], SAME)
elementwise("ReLU", ["", "relu_param { negative_slope: 0.1 }"], ulps(1))
elementwise("ReLU6", [""], SAME)
elementwise("Clip", ["clip_param { min: -0.5 max: 0.75 }"], SAME)
elementwise("Threshold", ["threshold_param { threshold: 0.25 }"], SAME)
elementwise("Dropout", ["", "dropout_param { dropout_ratio: 0.3 }"], SAME)
elementwise("ELU", ["", "elu_param { alpha: 0.5 }"], ulps(6, EPS))
elementwise("Sigmoid", [""], ulps(6))
elementwise("TanH", [""], ulps(6))
elementwise("BNLL", [""], ulps(8))
elementwise("Swish", ["", "swish_param { beta: 0.5 }"], ulps(12))
elementwise("Mish", [""], ulps(16))
elementwise("HSwish", [""], ulps(6))
elementwise("HardSigmoid", ["", "hardsigmoid_param { alpha: 0.25 }"], ulps(4, EPS))
elementwise("Exp", ["", "exp_param { base: 2 scale: 0.5 shift: 1 }"], ulps(16))
elementwise("Log", ["", "log_param { base: 10 scale: 2 shift: 1 }"], ulps(8, 4 * EPS), positive=True)
elementwise("Power", ["", "power_param { power: 2 }", "power_param { power: 0.5 scale: 2 shift: 1 }",
                      "power_param { scale: 3 shift: 0.5 }", "power_param { power: -1.5 }"], ulps(16), positive=True)


@case("PReLU")
def prelu(d):
    return d.one("", "prelu_param { channel_shared: true }"), [d.array(*d.shape(d.int(2, 5)))], ulps(1)


@case("SpatialDropout")
def spatial_dropout(d):
    return "", [d.image()], SAME


def window(d, names=("kernel_size", "stride", "pad")):
    """Window parameters for square kernels of odd sizes that fit images of at least 7."""
    kernel = d.one(1, 2, 3, 5)
    values = kernel, d.int(1, 3), d.int(0, kernel - 1)
    return " ".join(f"{name}: {value}" for name, value in zip(names, values, strict=False))


@case("Convolution", "DepthwiseConvolution")
def convolution(d):
    dilation = d.int(1, 2)
    x = d.image(9 if dilation == 2 else 7)      # as far as a window of 5 reaches: one that hangs over is left to Python
    group = d.one(1, x.shape[1])
    text = window(d)
    bias = d.one("true", "false")
    return (f"convolution_param {{ num_output: {group * d.int(1, 5)} group: {group} bias_term: {bias} {text} "
            f"dilation: {dilation} }}"), [x, ], SUM


@case("ConvolutionDepthwise", "CConvolutionDepthwise")
def depthwise(d):
    x = d.image(7)
    return f"convolution_param {{ num_output: {x.shape[1]} {window(d)} }}", [x], SUM


@case("CConvolution")
def masked_convolution(d):
    return (f"convolution_param {{ num_output: {d.int(1, 9)} {window(d)} }}"
            + d.one("", " cconvolution_param { gamma: 0.1 }")), [d.image(7)], SUM


@case("Deconvolution")
def deconvolution(d):
    x = d.image(3, 7)
    group = d.one(1, x.shape[1])
    kernel = d.int(2, 4)
    return (f"convolution_param {{ num_output: {group * d.int(1, 5)} group: {group} kernel_size: {kernel} "
            f"stride: {d.int(1, 3)} pad: {d.int(0, 1)} }}"), [x], SUM


@case("InnerProduct", "CInnerProduct")
def inner_product(d):
    return f"inner_product_param {{ num_output: {d.int(1, 40)} bias_term: {d.one('true', 'false')} }}", [
        d.array(*d.shape(d.int(2, 4)))], SUM


@case("Im2col")
def im2col(d):
    return f"convolution_param {{ {window(d, ('kernel_size', 'stride'))} dilation: {d.int(1, 2)} }}", [d.image(9)], SAME


@case("Pooling")
def pooling(d):
    method = d.one("MAX", "AVE")
    text = f"pooling_param {{ pool: {method} {window(d)} round_mode: {d.one('CEIL', 'FLOOR')} }}"
    return text, [d.image(7)], SAME if method == "MAX" else SUM


@case("SPP")
def spp(d):
    return f"spp_param {{ pyramid_height: {d.int(1, 3)} pool: MAX }}", [d.array(2, 3, d.one(8, 12), 8)], SAME


@case("LRN")
def lrn(d):
    region = d.one("ACROSS_CHANNELS", "WITHIN_CHANNEL")
    return (f"lrn_param {{ local_size: {d.one(1, 3, 5, 7)} alpha: {d.one(1e-4, 0.5)} beta: {d.one(0.75, 0.5, 0.6)} "
            f"norm_region: {region} }}"), [d.image(2)], ulps(40)


@case("Softmax")
def softmax(d):
    def bound(y, bottoms, params):
        return EPS * (16 + np.sqrt(bottoms[0].size) + 2 * np.ptp(bottoms[0])) * y

    axes = d.int(1, 4)
    return f"softmax_param {{ axis: {d.int(0, axes - 1)} }}", [3 * d.array(*d.shape(axes, 30))], bound


@case("MVN")
def mvn(d):
    across, variance = d.one("true", "false"), d.one("true", "false")

    def bound(y, bottoms, params):
        x = bottoms[0]
        axes = (1, 2, 3) if across == "true" else (2, 3)
        size = np.sqrt((x * x).mean(axes, keepdims=True)) + np.abs(x)
        return 40 * EPS * size / (x.std(axes, keepdims=True) + 1e-9 if variance == "true" else 1)

    x = d.array(2, d.int(1, 5), d.int(3, 9), d.int(3, 9))
    return f"mvn_param {{ across_channels: {across} normalize_variance: {variance} }}", [x], bound


@case("Normalize")
def normalize(d):
    return (f"norm_param {{ across_spatial: {d.one('true', 'false')} channel_shared: {d.one('true', 'false')} }}",
            [d.image()], ulps(30))


@case("L2Normalization")
def l2_normalization(d):
    return d.one("", "l2n_param { is_global: true }"), [d.image()], ulps(30)


@case("BatchNorm")
def batch_norm(d):
    def bound(y, bottoms, params):
        mean, variance, factor = params
        along = (1, -1) + (1,) * (y.ndim - 2)
        size = np.abs(bottoms[0]) + np.abs(mean / factor).reshape(along)
        return 6 * EPS * size / np.sqrt(variance / factor + 1e-5).reshape(along)

    return "", [d.array(*d.shape(d.int(2, 5)))], bound


@case("BN")
def bn(d):
    def bound(y, bottoms, params):
        scale, shift, mean, variance = (p.reshape(1, -1, *[1] * (y.ndim - 2)) for p in params)
        size = np.abs(scale) * (np.abs(bottoms[0]) + np.abs(mean)) / np.sqrt(variance + 1e-5)
        return 6 * EPS * (size + np.abs(shift))

    return "bn_param { frozen: true eps: 1e-5 }", [d.array(*d.shape(d.int(2, 4)))], bound


@case("Scale")
def scale(d):
    shape = d.shape(4)
    if d.one(True, False):
        return "scale_param { axis: 0 }", [d.array(*shape), d.array(*shape[:d.int(1, 3)])], SUM
    return f"scale_param {{ bias_term: {d.one('true', 'false')} }}", [d.array(*shape)], SUM


@case("Bias")
def bias(d):
    shape = d.shape(4)
    if d.one(True, False):
        return "bias_param { axis: 0 }", [d.array(*shape), d.array(*shape[:d.int(1, 3)])], SUM
    return "", [d.array(*shape)], SUM


@case("Axpy")
def axpy(d):
    n, c, h, w = d.shape(4)
    return "", [d.array(n, c, 1, 1), d.array(n, c, h, w), d.array(n, c, h, w)], SUM


@case("Eltwise")
def eltwise(d):
    shape, n = d.shape(d.int(1, 5)), d.int(2, 4)
    operation = d.one("SUM", "PROD", "MAX")
    coeffs = "".join(f" coeff: {d.one(1, -1, 0.5)}" for _ in range(n)) if operation == "SUM" else ""
    return (f"eltwise_param {{ operation: {operation}{coeffs} }}", [d.array(*shape) for _ in range(n)],
            {"SUM": lambda y, bottoms, params: 4 * EPS * sum(np.abs(x) for x in bottoms), "PROD": ulps(4),
             "MAX": SAME}[operation])


@case("Reduction")
def reduction(d):
    axes = d.int(1, 4)
    operation = d.one("SUM", "ASUM", "SUMSQ", "MEAN")
    return (f"reduction_param {{ operation: {operation} axis: {d.int(0, axes - 1)} coeff: {d.one(1, 2.5)} }}",
            [d.array(*d.shape(axes, 30))], SUM)


@case("ArgMax")
def argmax(d):
    axes = d.int(2, 4)
    return f"argmax_param {{ axis: {d.int(0, axes - 1)} }}", [d.array(*d.shape(axes))], SAME


@case("Interp")
def interp(d):
    return f"interp_param {{ height: {d.int(1, 20)} width: {d.int(1, 20)} }}", [d.image()], (
        lambda y, bottoms, params: 16 * EPS * np.abs(bottoms[0]).max())


@case("Concat")
def concat(d):
    shape, axis = list(d.shape(d.int(1, 4))), None
    axis = d.int(0, len(shape) - 1)
    parts = [d.array(*shape[:axis], d.int(1, 9), *shape[axis + 1:]) for _ in range(d.int(1, 4))]
    return f"concat_param {{ axis: {axis} }}", parts, SAME


@case("Slice")
def slice_(d):
    return 'top: "z" slice_param { slice_point: 2 }', [d.array(2, d.int(3, 9), d.int(1, 9), 3)], SAME


@case("Crop")
def crop(d):
    n, c, h, w = d.shape(4)
    return f"crop_param {{ axis: 2 offset: {d.int(0, 3)} offset: {d.int(0, 3)} }}", [
        d.array(n, c, h + 3, w + 3), d.array(n, c, h, w)], SAME


@case("CropCenter")
def crop_center(d):
    return "crop_center_param { crop_size: 0 crop_size: 0 crop_size: 1 crop_size: 2 }", [d.image(5)], SAME


@case("Flatten")
def flatten(d):
    return d.one("", "flatten_param { axis: 0 end_axis: 1 }"), [d.array(*d.shape(4))], SAME


@case("Reshape")
def reshape(d):
    return "reshape_param { shape { dim: 0 dim: -1 } }", [d.array(*d.shape(d.int(2, 5)))], SAME


@case("Permute")
def permute(d):
    return "permute_param { " + " ".join(f"order: {i}" for i in d.rng.permutation(4)) + " }", [
        d.array(*d.shape(4, 20))], SAME


@case("Reorg")
def reorg(d):
    return f"reorg_param {{ stride: 2 reverse: {d.one('true', 'false')} }}", [
        d.array(d.int(1, 2), 4 * d.int(1, 3), 2 * d.int(1, 5), 2 * d.int(1, 5))], SAME


@case("Reverse")
def reverse(d):
    return f"reverse_param {{ axis: {d.int(0, 2)} }}", [d.array(*d.shape(3))], SAME


@case("ShuffleChannel")
def shuffle_channel(d):
    group = d.int(1, 4)
    return f"shuffle_channel_param {{ group: {group} }}", [d.array(2, group * d.int(1, 5), *d.shape(3)[1:])], SAME


@case("Tile")
def tile(d):
    return f"tile_param {{ axis: {d.int(0, 2)} tiles: {d.int(1, 4)} }}", [d.array(*d.shape(3))], SAME


@case("Split")
def split(d):
    return 'top: "z"', [d.anything()], SAME


@case("Upsample")
def upsample(d):
    return f"upsample_param {{ scale: {d.int(1, 4)} }}", [d.image()], SAME


@case("Parameter")
def parameter(d):
    return f"parameter_param {{ shape {{ dim: {d.int(1, 5)} dim: {d.int(1, 5)} }} }}", [], SAME


@case("DummyData")
def dummy_data(d):
    return (f"dummy_data_param {{ shape {{ dim: 2 dim: {d.int(1, 9)} }} data_filler {{ value: {d.one(0, 1.5)} }} }}",
            [], SAME)


@case("PriorBox")
def prior_box(d):
    return f"prior_box_param {{ min_size: {d.int(3, 30)} aspect_ratio: 2 flip: true }}", [
        d.image(), d.array(1, 3, 60, 80)], SAME


def blobs(side, *names):
    return " ".join(f'{side}: "{name}"' for name in names)


def behind_a_pooling(d, layer):
    """``layer``, a function of (kernel, stride, height, width), puts numbers where a max pooling found its own."""
    x, kernel = d.image(6), d.int(1, 3)
    stride = d.int(1, kernel)           # a window of no pixels would name no place
    pooled = tuple(-(-(n - kernel) // stride) + 1 for n in x.shape[2:])
    pool = (f'type: "Pooling" {blobs("bottom", "x")} {blobs("top", "p", "mask")} '
            f"pooling_param {{ kernel_size: {kernel} stride: {stride} }}")
    return [pool, f'{layer(kernel, stride, *x.shape[2:])} {blobs("bottom", "v", "mask")} {blobs("top", "y")}'], {
        "x": x, "v": d.array(*x.shape[:2], *pooled)}, "y"


@case("Unpooling", where=AMONG)
def unpooling(d):
    def layer(kernel, stride, height, width):
        size = d.one("", f"unpool_h: {height + d.int(0, 3)} unpool_w: {width + d.int(0, 3)}")
        return f'type: "Unpooling" unpooling_param {{ kernel_size: {kernel} stride: {stride} {size} }}'

    return behind_a_pooling(d, layer)


@case("Upsample", where=AMONG)
def upsample_by_a_mask(d):
    def layer(kernel, stride, height, width):
        return ('type: "Upsample" upsample_param { '
                f"upsample_h: {height + d.int(0, 3)} upsample_w: {width + d.int(0, 3)} }}")

    return behind_a_pooling(d, layer)


def without_a_top(name):
    """It reads what others read or give, and takes nothing from them."""
    @case(name, where=AMONG)
    def _(d):
        read = [blob for blob in ("x", "w", "y") if d.one(True, False)] or ["y"]
        layers = [f'type: "Eltwise" {blobs("bottom", "x", "w")} {blobs("top", "y")} eltwise_param {{ operation: MAX }}']
        layers.insert("y" in read, f'type: "{name}" {blobs("bottom", *read)}')
        shape = d.shape(d.int(1, 5))
        return layers, {"x": d.array(*shape), "w": d.array(*shape)}, "y"


without_a_top("Silence")
without_a_top("implicit")
