"""Classifier and Detector."""

import numpy as np
import pytest
from PIL import Image

import scalpel_rt.pycaffe as caffe
from scalpel_rt.errors import ShapeError, UnsupportedError

from .nets import SMALL, make  # noqa: F401

RNG = np.random.RandomState(0)
IMAGES = [RNG.rand(20, 24, 3).astype(np.float32) for _ in range(3)]


@pytest.fixture
def files(tmp_path, make):  # noqa: F811
    make().save(str(tmp_path / "w.caffemodel"))
    return str(tmp_path / "net.prototxt"), str(tmp_path / "w.caffemodel")


def prob(net, images, transformer):
    """The net on crops of the right size, one at a time."""
    data = np.stack([transformer.preprocess("data", im) for im in images])
    return net.forward_all(data=data)["prob"]


def test_the_middle(files):
    net = caffe.Classifier(*files, image_dims=(10, 12), mean=np.array([1.0, 2, 3]), raw_scale=255,
                           channel_swap=(2, 1, 0), input_scale=0.01)
    got = net.predict(IMAGES, oversample=False)
    assert got.shape == (3, 5)
    middle = [caffe.io.resize_image(im, (10, 12))[1:9, 2:10] for im in IMAGES]
    np.testing.assert_allclose(got, prob(net, middle, net.transformer), rtol=1e-5)
    blob = net.transformer.preprocess("data", middle[0])
    want = (255 * middle[0].transpose(2, 0, 1)[::-1] - np.array([1, 2, 3])[:, None, None]) * 0.01
    np.testing.assert_allclose(blob, want, rtol=1e-4, atol=1e-5)


def test_ten_crops(files):
    net = caffe.Classifier(*files, image_dims=(10, 12))
    got = net.predict(IMAGES)
    for image, row in zip(IMAGES, got, strict=True):
        crops = caffe.io.oversample([caffe.io.resize_image(image, (10, 12))], (8, 8))
        np.testing.assert_allclose(row, prob(net, crops, net.transformer).mean(0), rtol=1e-5)


def test_images_go_to_the_size_of_the_input(files):
    net = caffe.Classifier(*files)
    assert list(net.image_dims) == [8, 8]
    np.testing.assert_allclose(net.predict(IMAGES), net.predict(IMAGES, oversample=False), rtol=1, atol=0.5)
    with pytest.raises(ShapeError, match="no image"):
        net.predict([])


@pytest.fixture
def picture(tmp_path):
    path = str(tmp_path / "picture.png")
    Image.fromarray(RNG.randint(0, 256, (40, 50, 3)).astype(np.uint8)).save(path)
    return path


def test_windows(files, picture):
    net = caffe.Detector(*files, raw_scale=255, mean=np.array([1.0, 2, 3]))
    windows = [(0, 0, 20, 30), np.array([10, 20, 40, 50]), (5, 5, 13, 13)]
    found = net.detect_windows([(picture, windows), (picture, windows[:1])])
    assert len(found) == 4 and all(entry["filename"] == picture for entry in found)
    image = caffe.io.load_image(picture)
    for (y0, x0, y1, x1), entry in zip([*windows, windows[0]], found, strict=True):
        want = prob(net, [image[y0:y1, x0:x1]], net.transformer)[0]
        np.testing.assert_allclose(entry["prediction"], want, rtol=1e-5)
        assert tuple(entry["window"]) == (y0, x0, y1, x1)
    assert net.detect_windows([]) == []
    with pytest.raises(ShapeError, match="window"):
        net.detect_windows([(picture, [(5, 5, 5, 9)])])


def test_windows_with_context(files, picture):
    mean = RNG.rand(3, 8, 8).astype(np.float32)
    net = caffe.Detector(*files, mean=mean, channel_swap=(2, 1, 0), context_pad=2)
    np.testing.assert_allclose(net.crop_mean, mean[::-1].transpose(1, 2, 0), rtol=1e-6)
    image = caffe.io.load_image(picture)
    # a window of 4 with 2 of 8 pixels of context on each side is twice as large: 12..19 becomes 8..23
    inside = net.crop(image, (12, 12, 19, 19))
    np.testing.assert_allclose(inside, caffe.io.resize_image(image[8:24, 8:24], (8, 8)), atol=1e-6)
    # in the corner, what lies outside is the mean, which the net sees as 0
    corner = net.crop(image, (0, 0, 7, 7))
    np.testing.assert_array_equal(corner[:2], net.crop_mean[:2])
    np.testing.assert_array_equal(corner[:, :2], net.crop_mean[:, :2])
    assert not np.isclose(corner[2:, 2:], net.crop_mean[2:, 2:]).all()
    blob = net.transformer.preprocess("data", corner)
    np.testing.assert_allclose(blob[:, :2], 0, atol=1e-6)
    with pytest.raises(ShapeError, match="window"):
        net.crop(image, (100, 100, 110, 110))
    for wrong in (4, 5):
        with pytest.raises(ShapeError, match="context"):
            caffe.Detector(*files, context_pad=wrong)


def test_scores_of_a_fully_convolutional_net(tmp_path, make, picture):  # noqa: F811
    text = SMALL.replace('"InnerProduct"', '"Convolution"').replace("inner_product_param { num_output: 5",
                                                                    "convolution_param { num_output: 5 kernel_size: 3")
    make(text).save(str(tmp_path / "w.caffemodel"))
    net = caffe.Detector(str(tmp_path / "net.prototxt"), str(tmp_path / "w.caffemodel"))
    assert net.detect_windows([(picture, [(0, 0, 20, 30)])])[0]["prediction"].shape == (5,)


def test_selective_search_is_another_program(files, picture):
    with pytest.raises(UnsupportedError, match="detect_windows"):
        caffe.Detector(*files).detect_selective_search([picture])
