"""Many images through a sparse fully connected layer: a convolution whose pixels are the images.

The sparse kernels for fully connected layers read a stream of weights, for one image or a few at a time; those for
convolutions keep pixels in vectors, and are bound by arithmetic. With images as pixels their lanes lie along the batch,
for the price of two transpositions.
"""

import numpy as np

from .spec import Op, Program, Value

#: Least number of images: half of the widest vector. With fewer, most lanes of a convolution would be idle.
IMAGES = 8
#: Least share of zeros: with fewer, dense products of this shape are as fast.
ZEROS = 0.7


def images_to_pixels(program, options):
    """fc of a batch whose weights are mostly zeros becomes a convolution 1x1 between two transpositions.

    Not where ``options`` ask for dense weights.
    """
    ops = []
    for op in program.ops:
        ops.extend(_pixels(op) if options.weights != "dense" and op.kind == "fc" and _worth(op) else [op])
    return Program(tuple(ops), program.inputs, program.outputs)


def _worth(fc):
    w = fc.weights["w"]
    return fc.outputs[0].shape[0] >= IMAGES and np.count_nonzero(w) <= (1 - ZEROS) * w.size


def _pixels(fc):
    [x], [y] = fc.inputs, fc.outputs
    (m, k), n = fc.weights["w"].shape, y.shape[0]
    across, made = Value(f"{x.name}.pixels", (1, k, 1, n)), Value(f"{y.name}.pixels", (1, m, 1, n))
    attrs = dict(kh=1, kw=1, sh=1, sw=1, ph=0, pw=0, dh=1, dw=1, group=1, act=fc.attrs.get("act"))
    weights = {**fc.weights, "w": fc.weights["w"].reshape(m, k, 1, 1)}
    return [_transposed(fc, x, across, n, k), Op("conv", fc.name, (across,), (made,), attrs, weights),
            _transposed(fc, made, y, m, n)]


def _transposed(fc, x, y, rows, columns):
    part = dict(input=0, dims=(columns, rows), x_strides=(1, columns), y_strides=(rows, 1), x_offset=0, y_offset=0)
    return Op("copy", fc.name, (x,), (y,), {"parts": (part,)})
