"""Trained nets on full test sets: the accuracies that their authors, or other readers of the files, measured."""

import numpy as np
import pytest

import scalpel_rt as srt
from scalpel_rt.imaging import Preprocess, center_crop, load_image, resize
from tests.graph.nets import input_layer, layer

from .test_blobs import load

pytest.importorskip("PIL", reason="the images need Pillow")


def right(net, blob, data, batch=500):
    """How many of ``data`` the greatest value of ``blob`` names."""
    found = 0
    for x, labels in data.batches(batch):
        out = net.forward({net.inputs[0]: x})
        scores = out[blob] if blob in out else net.blobs[blob].data
        found += int((scores.reshape(len(x), -1).argmax(1) == labels).sum())
    return found


@pytest.mark.parametrize("model, blob, expected", [
    ("lenet_bvlc_a", "prob", 9914), ("dns_lenet5_original", "prob", 9909), ("dns_lenet5_sparse", "prob", 9909),
    # the prototxt of these two wires `prob` to the wrong blob; ip3 has the scores
    ("dns_lenet300100_original", "ip3", 9772), ("dns_lenet300100_sparse", "ip3", 9801)])
def test_mnist(shared, mnist, model, blob, expected):
    assert right(load(shared, model), blob, mnist) == expected


@pytest.mark.parametrize("model, expected", [
    ("cifar10_quick_v1", 7491), ("cifar10_full_v1", 8211), ("cifar10_resnet20", 9170)])
def test_cifar10(shared, cifar10, model, expected):
    net = load(shared, model)
    found = right(net, net.outputs[0], cifar10)
    assert abs(found - expected) <= 1       # an image or two lies within rounding of the border


@pytest.fixture(scope="module")
def squeezenet(shared):
    return load(shared, "squeezenet_v1.0_deepcompression")


def prepared(path):
    """The middle 227x227 of an image whose short side is 256; BGR, minus the mean colour."""
    image = load_image(path)
    scale = 256 / min(image.shape[:2])
    image = resize(image, tuple(round(scale * side) for side in image.shape[:2]))
    prepare = Preprocess(channel_swap=(2, 1, 0), raw_scale=255, mean=np.float32([104, 117, 123]))
    return prepare(center_crop(image, (227, 227)))


def test_a_cat_is_among_the_answers(shared, squeezenet):
    """This net's first three are foxes and a corgi, all of them orange as the kitten is."""
    classes = [line.split(" ", 1)[1] for line in (shared / "data/imagenet/synset_words.txt").read_text().splitlines()]
    (scores,) = squeezenet.forward(data=prepared(shared / "data/imagenet/cat.jpg")[None]).values()
    five = [classes[i] for i in np.argsort(-scores.reshape(-1))[:5]]
    assert {"tabby, tabby cat", "tiger cat"} <= set(five)


def test_photographs(shared, squeezenet):
    """A hundred of the thousand on which another reader of the file measured 52.7 % (top 1) and 78.3 % (top 5)."""
    folder = shared / "data" / "imagenet"
    labels = dict(line.split() for line in (folder / "labels.txt").read_text().splitlines())
    paths = sorted((folder / "images").glob("*.png"))
    first = fifth = 0
    for start in range(0, len(paths), 10):
        part = paths[start:start + 10]
        (scores,) = squeezenet.forward(data=np.stack([prepared(path) for path in part])).values()
        order = np.argsort(-scores.reshape(len(part), -1), axis=1)
        truth = np.array([int(labels.get(path.name, labels.get(path.stem))) for path in part])
        first += int((order[:, 0] == truth).sum())
        fifth += int((order[:, :5] == truth[:, None]).any(1).sum())
    assert len(paths) == 100 and abs(first - 59) <= 1 and abs(fifth - 79) <= 1


def test_an_accuracy_layer_counts_as_we_do(shared, cifar10, tmp_path):
    path = tmp_path / "with_accuracy.prototxt"
    net = load(shared, "cifar10_quick_v1")
    net.save(path)
    score = net.graph.nodes[-1].bottoms[0].name
    path.write_text(path.read_text() + input_layer("label", 1) + layer("Accuracy", f"{score} label", "acc"))
    counted = srt.load(path, shared / "models/cifar10_quick_v1/weights.caffemodel")
    x, labels = cifar10.take(slice(0, 400))
    accuracy = counted.forward({counted.inputs[0]: x, "label": labels})["acc"]
    assert round(float(accuracy) * 400) == right(net, net.outputs[0], cifar10.subset(slice(0, 400)))
