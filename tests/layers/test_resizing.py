"""Interp, Upsample, Unpooling, and layers that only move numbers: CropCenter, Reverse, Reorg, ShuffleChannel."""

import numpy as np
import pytest

from scalpel_rt.errors import DataError, GraphError, ShapeError
from scalpel_rt.plan.interpret import interpret
from scalpel_rt.plan.spec import Builder, Program, Value
from scalpel_rt.plan.verify import verify_program

from .harness import lowers, make, run

rng = np.random.default_rng(9)


# -- Interp ----------------------------------------------------------------------------------------------------

def interp(more, bottoms=1):
    return make('type: "Interp" ' + "".join(f'bottom: "b{i}" ' for i in range(bottoms))
                + f'top: "y" interp_param {{ {more} }}')


@pytest.mark.parametrize("more, size", [
    ("height: 9 width: 5", (9, 5)), ("zoom_factor: 3", (10, 13)), ("shrink_factor: 2", (2, 3)),
    ("shrink_factor: 2 zoom_factor: 3", (4, 7)), ("height: 4 width: 9", (4, 9)), ("height: 7 width: 5", (7, 5)),
    ("height: 4 width: 5", (4, 5)), ("height: 1 width: 1", (1, 1)), ("zoom_factor: 2 height: 3 width: 3", (7, 9)),
])
def test_interp_is_torchs_with_aligned_corners(more, size):
    torch = pytest.importorskip("torch")
    x = rng.normal(size=(2, 3, 4, 5)).astype(np.float32)
    got, = run(interp(more), x)
    want = torch.nn.functional.interpolate(torch.tensor(x, dtype=torch.float64), size=size, mode="bilinear",
                                           align_corners=True)
    np.testing.assert_allclose(got, want.numpy(), atol=1e-6)
    assert lowers(interp(more), x)


def test_interp_cuts_and_takes_the_size_of_a_second_bottom():
    x = rng.normal(size=(1, 2, 6, 7)).astype(np.float32)
    cut, = run(interp("zoom_factor: 2 pad_beg: -1 pad_end: -2"), x)
    whole, = run(interp("zoom_factor: 2"), x[:, :, 1:4, 1:5])
    np.testing.assert_array_equal(cut, whole)
    same, = run(interp("zoom_factor: 1 pad_beg: -1"), x)
    np.testing.assert_array_equal(same, x[:, :, 1:, 1:])
    like, = run(interp("", 2), x, np.zeros((1, 9, 3, 5)))
    np.testing.assert_array_equal(like, run(interp("height: 3 width: 5"), x)[0])


def test_interp_errors():
    for more, word in (("", "height"), ("pad_beg: 1 zoom_factor: 1", "pad_beg"), ("zoom_factor: 0", "zoom_factor")):
        with pytest.raises(GraphError, match=word):
            interp(more)
    with pytest.raises(ShapeError, match=r"\(1, 2, 3, 9\)"):
        interp("zoom_factor: 2 pad_beg: -3").shapes([(1, 2, 3, 9)])
    with pytest.raises(ShapeError, match=r"\(2, 3\)"):
        interp("zoom_factor: 2").shapes([(2, 3)])


# -- Upsample --------------------------------------------------------------------------------------------------

def upsample(more, bottoms=1):
    return make('type: "Upsample" ' + "".join(f'bottom: "b{i}" ' for i in range(bottoms))
                + f'top: "y" upsample_param {{ {more} }}')


def test_upsample_repeats_pixels():
    x = np.array([[[[1.0, 2], [3, 4]]]])
    got, = run(upsample("scale: 2"), x)
    np.testing.assert_array_equal(got[0, 0], [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]])
    got, = run(upsample("scale_h: 1 scale_w: 3"), x)
    np.testing.assert_array_equal(got[0, 0], [[1, 1, 1, 2, 2, 2], [3, 3, 3, 4, 4, 4]])
    assert lowers(upsample("scale: 3"), x)


def test_upsample_undoes_a_max_pooling():
    x = rng.normal(size=(2, 3, 6, 8)).astype(np.float32)
    pool = ('type: "Pooling" bottom: "x" top: "y" top: "mask" pooling_param { kernel_size: 2 stride: 2 }')
    pooled, mask = run(pool, x)
    got, = run(upsample("scale: 2", 2), pooled, mask)
    assert got.shape == x.shape
    assert (got != 0).sum() == pooled.size
    np.testing.assert_array_equal(got[got != 0], x[got != 0])


def test_upsample_sizes():
    mask = np.zeros((1, 1, 2, 2))
    assert run(upsample("scale: 2 pad_out_h: true", 2), np.ones((1, 1, 2, 2)), mask)[0].shape == (1, 1, 3, 4)
    got, = run(upsample("scale: 2 upsample_h: 5 upsample_w: 3", 2), np.ones((1, 1, 2, 2)), mask + 14)
    assert got.shape == (1, 1, 5, 3) and got[0, 0, 4, 2] == 1 and got.sum() == 1


def test_upsample_of_a_place_named_twice_holds_the_last():
    got, = run(upsample("scale: 2", 2), [[[[1.0, 2]]]], [[[[3, 3.9]]]])
    np.testing.assert_array_equal(got[0, 0], [[0, 0, 0, 2], [0, 0, 0, 0]])


def test_upsample_leaves_out_what_a_window_beside_the_image_gave():
    got, = run(upsample("scale: 2", 2), [[[[1.0, 2]]]], [[[[-1, 3]]]])
    np.testing.assert_array_equal(got[0, 0], [[0, 0, 0, 2], [0, 0, 0, 0]])


def test_upsample_errors():
    with pytest.raises(DataError, match="mask value 16 .* 4 x 4"):
        run(upsample("scale: 2", 2), np.ones((1, 1, 2, 2)), np.full((1, 1, 2, 2), 16))
    with pytest.raises(ShapeError, match=r"\(1, 2, 2, 2\).*\(1, 1, 2, 2\)"):
        upsample("scale: 2", 2).shapes([(1, 1, 2, 2), (1, 2, 2, 2)])
    for more in ("scale_h: 2", "scale: 0", "scale: 3 pad_out_w: true"):
        with pytest.raises(GraphError):
            upsample(more)


# -- Unpooling -------------------------------------------------------------------------------------------------

def unpooling(more, bottoms=1):
    return make('type: "Unpooling" ' + "".join(f'bottom: "b{i}" ' for i in range(bottoms))
                + f'top: "y" unpooling_param {{ {more} }}')


def test_unpooling():
    x = np.array([[[[6.0, 12]]]])
    got, = run(unpooling("kernel_size: 2 stride: 2 unpool_h: 2 unpool_w: 4"), x)
    np.testing.assert_array_equal(got[0, 0], [[6, 0, 12, 0], [0] * 4])
    got, = run(unpooling("unpool: TILE kernel_size: 2 stride: 2 unpool_h: 2 unpool_w: 4"), x)
    np.testing.assert_array_equal(got[0, 0], [[6, 6, 12, 12]] * 2)
    got, = run(unpooling("unpool: AVE kernel_h: 2 kernel_w: 3 stride: 2 unpool_h: 2 unpool_w: 4"), x)
    np.testing.assert_allclose(got[0, 0], [[1, 1, 4, 3]] * 2)       # the second window has two columns left
    mask = np.array([[[[7, 0]]]])
    got, = run(unpooling("kernel_size: 2 stride: 2 unpool_h: 2 unpool_w: 4", 2), x, mask)
    np.testing.assert_array_equal(got[0, 0], [[12, 0, 0, 0], [0, 0, 0, 6]])


def test_unpooling_size():
    assert unpooling("kernel_size: 2 stride: 2").shapes([(1, 3, 4, 5)]) == [(1, 3, 9, 11)]
    assert unpooling("kernel_size: 4 stride: 2").shapes([(1, 3, 4, 5)]) == [(1, 3, 10, 12)]
    assert unpooling("kernel_size: 2 unpool_size: 7").shapes([(1, 3, 4, 5)]) == [(1, 3, 7, 7)]


@pytest.mark.parametrize("more", ["", "kernel_h: 2", "kernel_size: 2 kernel_h: 2 kernel_w: 2", "kernel_size: 0",
                                  "kernel_size: 2 pad: 1"])
def test_unpooling_errors(more):
    with pytest.raises(GraphError):
        unpooling(more)


@pytest.mark.parametrize("layer", [
    'type: "Upsample" bottom: "p" bottom: "k" top: "y" upsample_param { scale: 2 }',
    'type: "Unpooling" bottom: "p" bottom: "k" top: "y" unpooling_param { kernel_size: 2 unpool_size: 6 }'])
def test_a_mask_of_a_pooling_is_followed_without_python(layer):
    """Its places are known to be in the plane where that is as large as the pooling's; of other masks nobody knows."""
    pool = make('type: "Pooling" bottom: "x" top: "p" top: "k" pooling_param { kernel_size: 2 stride: 2 }')
    layer, x = make(layer), rng.normal(size=(2, 3, 6, 6)).astype(np.float32)

    def program(side):
        build, first = Builder(), Value("x", (2, 3, side, side))
        pooled = [Value(name, (2, 3, 3, 3)) for name in "pk"]
        out = Value("y", (2, 3, 6, 6))
        build.layer("both")
        assert pool.lower(build, [first], pooled, [])
        return layer.lower(build, pooled, [out], []) and Program(tuple(build.ops), (first,), (out,))

    got, = interpret(verify_program(program(6)), [x])
    np.testing.assert_array_equal(got, layer.forward(pool.forward([x], []), [])[0])
    assert np.count_nonzero(got) == 2 * 3 * 9
    assert not program(7)


# -- moving numbers --------------------------------------------------------------------------------------------

def test_crop_center():
    x = rng.normal(size=(2, 3, 6, 7)).astype(np.float32)
    text = ('type: "CropCenter" bottom: "x" top: "y" crop_center_param { '
            "crop_size: 0 crop_size: 0 crop_size: 2 crop_size: 1 }")
    np.testing.assert_array_equal(run(text, x)[0], x[:, :, 2:-2, 1:-1])
    assert lowers(text, x)
    for shape in ((2, 3, 4, 7), (2, 3, 6)):
        with pytest.raises(ShapeError):
            make(text).shapes([shape])


@pytest.mark.parametrize("axis", [0, 1, 3, -1])
def test_reverse(axis):
    x = rng.normal(size=(2, 3, 4, 5)).astype(np.float32)
    text = f'type: "Reverse" bottom: "x" top: "y" reverse_param {{ axis: {axis} }}'
    np.testing.assert_array_equal(run(text, x)[0], np.flip(x, axis))
    assert lowers(text, x)


def darknet_reorg(x, s, out, forward):
    """Darknet's loops, with the sizes of x."""
    batch, c, h, w = x.shape
    flat = x.ravel()
    planes = c // (s * s)
    y = np.zeros(flat.size, np.float32)
    for b in range(batch):
        for k in range(c):
            for j in range(h):
                for i in range(w):
                    here = i + w * (j + h * (k + c * b))
                    plane, offset = k % planes, k // planes
                    there = (i * s + offset % s) + w * s * ((j * s + offset // s) + h * s * (plane + planes * b))
                    if forward:
                        y[there] = flat[here]
                    else:
                        y[here] = flat[there]
    return y.reshape(out)


@pytest.mark.parametrize("reverse", [False, True])
def test_reorg_is_darknets(reverse):
    x = np.arange(2 * 8 * 4 * 6, dtype=np.float32).reshape(2, 8, 4, 6)
    text = f'type: "Reorg" bottom: "x" top: "y" reorg_param {{ stride: 2 reverse: {str(reverse).lower()} }}'
    out = (2, 2, 8, 12) if reverse else (2, 32, 2, 3)
    np.testing.assert_array_equal(run(text, x)[0], darknet_reorg(x, 2, out, reverse))
    assert lowers(text, x)


def test_reorg_errors():
    with pytest.raises(GraphError, match="stride"):
        make('type: "Reorg"')
    layer = make('type: "Reorg" reorg_param { stride: 2 }')
    for shape in ((1, 6, 4, 4), (1, 4, 5, 4), (4, 4, 4)):
        with pytest.raises(ShapeError):
            layer.shapes([shape])


@pytest.mark.parametrize("shape", [(2, 6, 3, 2), (2, 6)])
def test_shuffle_channel(shape):
    x = rng.normal(size=shape).astype(np.float32)
    text = 'type: "ShuffleChannel" bottom: "x" top: "y" shuffle_channel_param { group: 3 }'
    np.testing.assert_array_equal(run(text, x)[0], x[:, [0, 2, 4, 1, 3, 5]])
    assert lowers(text, x)
    with pytest.raises(ShapeError, match=r"\(2, 7\).*3 groups"):
        make(text).shapes([(2, 7)])
