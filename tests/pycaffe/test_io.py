"""caffe.io: messages, images, Transformer."""

import numpy as np
import pytest
from PIL import Image

import scalpel_rt.pycaffe as caffe
from scalpel_rt.errors import FormatError, GraphError, ShapeError
from scalpel_rt.pycaffe.proto import caffe_pb2

RNG = np.random.RandomState(0)
IMAGE = RNG.rand(9, 11, 3).astype(np.float32)


def test_blobproto_there_and_back():
    for array in (RNG.rand(2, 3), RNG.rand(2, 1, 3, 4), np.float64(3), np.zeros((0, 2))):
        blob = caffe.io.array_to_blobproto(array, diff=2 * np.asarray(array))
        assert list(blob.shape.dim) == list(np.shape(array))
        back = caffe_pb2.BlobProto.FromString(blob.SerializeToString())
        np.testing.assert_array_equal(caffe.io.blobproto_to_array(back), np.float32(array))
        np.testing.assert_array_equal(caffe.io.blobproto_to_array(back, return_diff=True), 2 * np.float32(array))


def test_blobproto_of_old_and_of_doubles():
    old = caffe_pb2.BlobProto(num=1, channels=1, height=2, width=3, data=range(6))
    assert caffe.io.blobproto_to_array(old).shape == (1, 1, 2, 3)
    double = caffe_pb2.BlobProto(double_data=[0.1, 0.2])
    double.shape.dim.append(2)
    assert caffe.io.blobproto_to_array(double).tolist() == [0.1, 0.2]
    double.shape.dim.append(2)
    with pytest.raises(ValueError, match=r"\(2, 2\).*2 values"):
        caffe.io.blobproto_to_array(double)


def test_blobprotovector():
    arrays = [RNG.rand(2, 3).astype(np.float32), np.arange(4, dtype=np.float32)]
    data = caffe.io.arraylist_to_blobprotovector_str(arrays)
    assert isinstance(data, bytes)
    for got, want in zip(caffe.io.blobprotovector_str_to_arraylist(data), arrays, strict=True):
        np.testing.assert_array_equal(got, want)


def test_datum():
    pixels = RNG.randint(0, 256, (3, 4, 5)).astype(np.uint8)
    datum = caffe.io.array_to_datum(pixels, 7)
    assert datum.label == 7 and datum.data == pixels.tobytes() and (datum.channels, datum.width) == (3, 5)
    back = caffe.io.datum_to_array(caffe_pb2.Datum.FromString(datum.SerializeToString()))
    assert back.dtype == np.uint8 and np.array_equal(back, pixels)
    floats = caffe.io.array_to_datum(pixels / 2)
    assert not floats.HasField("label") and not floats.data
    np.testing.assert_array_equal(caffe.io.datum_to_array(floats), pixels / 2)
    with pytest.raises(ValueError, match=r"\(4, 5\)"):
        caffe.io.array_to_datum(pixels[0])
    datum.width = 6
    with pytest.raises(ShapeError):
        caffe.io.datum_to_array(datum)
    with pytest.raises(FormatError, match="compressed"):
        caffe.io.datum_to_array(caffe_pb2.Datum(encoded=True))


def test_load_image(tmp_path):
    pixels = RNG.randint(0, 256, (4, 5, 4)).astype(np.uint8)
    luminance = [0.2125, 0.7154, 0.0721]
    for mode, raw in (("RGB", pixels[..., :3]), ("RGBA", pixels), ("L", pixels[..., 0])):
        path = str(tmp_path / f"{mode}.png")
        Image.fromarray(raw).save(path)
        colour, grey = caffe.io.load_image(path), caffe.io.load_image(path, color=False)
        assert colour.shape == (4, 5, 3) and grey.shape == (4, 5, 1) and colour.dtype == grey.dtype == np.float32
        rgb = np.repeat(raw[:, :, None], 3, 2) if mode == "L" else raw[..., :3]
        np.testing.assert_allclose(colour, rgb / 255, rtol=1e-6)
        np.testing.assert_allclose(grey[..., 0], rgb @ luminance / 255, rtol=1e-5)
    deep = np.array([[0, 65535], [32768, 1]], np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    np.testing.assert_allclose(caffe.io.load_image(tmp_path / "deep.png", False)[..., 0], deep / 65535, rtol=1e-5)
    with pytest.raises(FormatError):
        caffe.io.load_image(__file__)


def linear(im, y, x):
    """An image between its pixels, by the formula, with its least value beyond the edge."""
    h, w, _ = im.shape
    y0, x0 = int(np.floor(y)), int(np.floor(x))
    total = 0
    for i, wy in ((y0, 1 - (y - y0)), (y0 + 1, y - y0)):
        for j, wx in ((x0, 1 - (x - x0)), (x0 + 1, x - x0)):
            total = total + wy * wx * (im[i, j] if 0 <= i < h and 0 <= j < w else im.min())
    return total


@pytest.mark.parametrize("size", [(4, 5), (18, 22), (9, 30), (1, 1), (9, 11)])
@pytest.mark.parametrize("channels", [1, 3])
def test_resize_image(size, channels):
    im = IMAGE[..., :channels] * 5 - 2
    got = caffe.io.resize_image(im, size)
    assert got.shape == (*size, channels) and got.dtype == np.float32
    for y in range(size[0]):
        for x in range(size[1]):
            want = linear(im, (y + 0.5) * 9 / size[0] - 0.5, (x + 0.5) * 11 / size[1] - 0.5)
            np.testing.assert_allclose(got[y, x], want, atol=1e-5)


def test_resize_other_images():
    assert (caffe.io.resize_image(np.full((2, 3, 3), 7.0), (5, 5)) == 7).all()
    ramp = np.arange(5.0)[:, None, None] * np.ones((1, 2, 4))       # 4 channels: from first to last pixel
    got = caffe.io.resize_image(ramp, (9, 2))
    np.testing.assert_allclose(got[:, 0, 0], np.arange(0, 4.5, 0.5), atol=1e-6)
    for wrong in [(np.ones((3, 3)), (2, 2)), (np.ones((3, 0, 3)), (2, 2)), (np.ones((3, 3, 3)), (0, 2))]:
        with pytest.raises(ShapeError):
            caffe.io.resize_image(*wrong)


def test_oversample():
    crops = caffe.io.oversample([IMAGE, 2 * IMAGE], (4, 6))
    assert crops.shape == (20, 4, 6, 3)
    corners = [(0, 0), (0, 5), (5, 0), (5, 5), (2, 2)]
    for i, (y, x) in enumerate(corners):
        part = IMAGE[y:y + 4, x:x + 6]
        for k, factor in ((0, 1), (10, 2)):
            np.testing.assert_array_equal(crops[k + i], factor * part)
            np.testing.assert_array_equal(crops[k + 5 + i], factor * part[:, ::-1])


def transformer(**settings):
    made = caffe.io.Transformer({"data": (2, 3, 9, 11)})
    for name, value in settings.items():
        getattr(made, f"set_{name}")("data", value)
    return made


def test_transformer():
    mean = np.array([10.0, 20, 30])
    made = transformer(transpose=(2, 0, 1), channel_swap=(2, 1, 0), raw_scale=255, mean=mean, input_scale=0.5)
    before = IMAGE.copy()
    blob = made.preprocess("data", IMAGE)
    assert blob.dtype == np.float32 and blob.shape == (3, 9, 11)
    want = (IMAGE.transpose(2, 0, 1)[::-1] * 255 - mean[:, None, None]) / 2
    np.testing.assert_allclose(blob, want, rtol=1e-5, atol=1e-4)
    np.testing.assert_array_equal(IMAGE, before)
    back = made.deprocess("data", blob[None])
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, IMAGE, atol=1e-5)


def test_transformer_does_not_write_to_the_image():
    image = np.ones((3, 9, 11), np.float32)
    made = caffe.io.Transformer({"data": (1, 3, 3, 9)})
    made.set_raw_scale("data", 255)
    made.preprocess("data", image)
    assert (image == 1).all()


def test_transformer_resizes():
    made = transformer(transpose=(2, 0, 1))
    big = RNG.rand(18, 22, 3).astype(np.float32)
    np.testing.assert_array_equal(made.preprocess("data", big), caffe.io.resize_image(big, (9, 11)).transpose(2, 0, 1))


def test_means():
    whole = RNG.rand(3, 9, 11)
    assert transformer(mean=whole).mean["data"] is whole
    assert transformer(mean=whole[0]).mean["data"].shape == (1, 9, 11)      # the same for all channels
    made = transformer(mean=100 * RNG.rand(3, 18, 22))
    assert made.mean["data"].shape == (3, 9, 11)
    for wrong in [np.zeros(2), np.zeros((2, 4, 4)), np.zeros((1, 2, 3, 4))]:
        with pytest.raises(ValueError, match="mean"):
            transformer(mean=wrong)


def test_transformer_checks():
    for wrong in [{"transpose": (1, 0)}, {"channel_swap": (0, 1)}]:
        with pytest.raises(ShapeError):
            transformer(**wrong)
    with pytest.raises(GraphError, match="'other'.*'data'"):
        transformer().set_raw_scale("other", 1)
    for call in ("preprocess", "deprocess"):
        with pytest.raises(GraphError, match="'other'"):
            getattr(transformer(), call)("other", IMAGE)
