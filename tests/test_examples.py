"""The scripts of examples/, as they stand."""

import importlib
import re
from pathlib import Path

import numpy as np
import pytest

import scalpel_rt.pycaffe as caffe

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


@pytest.fixture
def example(monkeypatch):
    """example(name): the script as a module, on whose path it is."""
    monkeypatch.syspath_prepend(str(EXAMPLES))

    def imported(name):
        return importlib.import_module(name)
    return imported


def test_every_script_is_listed_and_imports_caffe_alone():
    listed = re.findall(r"`(\w+\.py)`", (EXAMPLES / "README.md").read_text())
    scripts = sorted(path.name for path in EXAMPLES.glob("*.py"))
    assert sorted(listed) == scripts
    for name in scripts:
        text = (EXAMPLES / name).read_text()
        assert "import scalpel_rt.pycaffe as caffe" in text
        assert not re.search(r"scalpel_rt(?!\.pycaffe)", text)      # else it would not run on Caffe


def test_classification(example, capsys):
    example("classification").main([])
    last = [line.split()[-1] for line in capsys.readouterr().out.splitlines()]
    assert len(last) == 8 and last[0] == last[1] == "7" and last[4] == last[5] == "8"


def test_classification_of_photographs(example, capsys, shared):
    folder, data = shared / "models" / "squeezenet_v1.0_deepcompression", shared / "data" / "imagenet"
    args = [str(folder / "deploy.prototxt"), str(folder / "weights.caffemodel"), str(data / "cat.jpg"), "--dims", "256",
            "256", "--mean", str(data / "ilsvrc_2012_mean.npy"), "--raw-scale", "255", "--bgr", "--labels",
            str(data / "synset_words.txt"), "--top", "5"]
    for more in ([], ["--center"]):
        example("classification").main(args + more)
        assert "tabby" in capsys.readouterr().out


@pytest.mark.parametrize("batch", [1, 64, 200, 300])
def test_batches(example, capsys, batch):
    example("batches").main([str(batch)])
    told = capsys.readouterr().out
    assert f"({batch}, 1, 28, 28)" in told and "200 of 200 right, 100.00 %" in told


def test_feature_extraction(example, tmp_path):
    example("feature_extraction").main([str(tmp_path / "f.npz"), "--blob", "ip1"])
    features = np.load(tmp_path / "f.npz")["features"]
    assert features.shape == (200, 500) and (features >= 0).all()       # after the ReLU in place
    labels = np.load(EXAMPLES.parent / "models" / "lenet5" / "digits.npz")["labels"]
    means = np.stack([features[labels == digit].mean(0) for digit in range(10)])
    nearest = ((features[:, None] - means) ** 2).sum(2).argmin(1)
    assert (nearest == labels).mean() > 0.95


def test_feature_extraction_of_photographs(example, tmp_path, shared):
    folder, data = shared / "models" / "squeezenet_v1.0_deepcompression", shared / "data" / "imagenet"
    example("feature_extraction").main([
        str(tmp_path / "f.npz"), str(data / "cat.jpg"), str(data / "fish-bike.jpg"), "--blob", "fire9/concat",
        "--model", str(folder / "deploy.prototxt"), "--weights", str(folder / "weights.caffemodel"),
        "--mean", "104,117,123"])
    features = np.load(tmp_path / "f.npz")["features"]
    assert features.shape == (2, 512, 13, 13) and features.std() > 0 and not np.allclose(features[0], features[1])


def test_net_surgery(example, capsys, tmp_path):
    example("net_surgery").main([str(tmp_path)])
    told = capsys.readouterr().out
    assert float(re.search(r"difference on one image: (\S+)", told)[1]) < 1e-5
    classes = told.splitlines()[-1].split()
    assert len(classes) == 15 and classes[0] == "7" and classes[7] == "1" and classes[-1] == "6"
    net = caffe.Net(str(tmp_path / "full_conv.prototxt"), str(tmp_path / "full_conv.caffemodel"), caffe.TEST)
    assert net.params["ip1-conv"][0].data.shape == (500, 50, 4, 4)


def test_net_surgery_on_another_net(example, capsys, tmp_path, shared):
    folder = shared / "models" / "lenet_bvlc_a"
    example("net_surgery").main([str(tmp_path), str(folder / "deploy.prototxt"), str(folder / "weights.caffemodel")])
    told = capsys.readouterr().out
    assert float(re.search(r"difference on one image: (\S+)", told)[1]) < 1e-5 and "a map of 8 x 8" in told


def test_net_spec(example, capsys, tmp_path):
    path = tmp_path / "lenet.prototxt"
    example("net_spec").main([str(path), "4", "6"])
    assert "score (10, 294) (10,)" in capsys.readouterr().out
    assert caffe.Net(str(path), caffe.TEST).outputs == ["prob"]
    train = caffe.Net(str(tmp_path / "lenet_train.prototxt"), caffe.TRAIN)
    train.blobs["data"].reshape(2, 1, 28, 28)
    train.blobs["data"].data[...] = 0
    np.testing.assert_allclose(train.forward()["loss"], np.log(10), rtol=1e-5)


def test_python_layer(example, capsys, tmp_path):
    module = example("python_layer")
    module.main(tmp_path)
    lines = capsys.readouterr().out.splitlines()
    bits = [float(line.split()[-2]) for line in lines]
    assert len(lines) == 5 and bits == sorted(bits, reverse=True) and 0.1 < bits[0] < np.log2(10)
