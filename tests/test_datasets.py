"""Labelled data in all the forms that a user may have them."""

import gzip
import struct

import numpy as np
import pytest

from scalpel_rt.datasets import Dataset, open_data, read_idx
from scalpel_rt.errors import DataError, FormatError, OptionsError, ScalpelError, ShapeError

RNG = np.random.default_rng(0)
IMAGES, LABELS = RNG.integers(0, 256, (6, 3, 32, 32)).astype(np.uint8), np.arange(6) % 3


def idx(array):
    """The bytes of an idx file of uint8."""
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def same(data, images, labels):
    assert np.array_equal(data.images, images) and np.array_equal(data.labels, labels)
    assert data.labels.dtype == np.int64 and data.shape == images.shape[1:]


@pytest.mark.parametrize("names", [("images", "labels"), ("x", "y"), ("data", "label")])
def test_npz(tmp_path, names):
    np.savez(tmp_path / "d.npz", **dict(zip(names, (IMAGES, LABELS), strict=True)))
    same(open_data(tmp_path / "d.npz"), IMAGES, LABELS)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_mnist(tmp_path, pack):
    digits = IMAGES[:, 0, :28, :28]
    for part, n in (("train", 6), ("t10k", 2)):
        (tmp_path / f"{part}-images-idx3-ubyte").write_bytes(pack(idx(digits[:n])))
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(pack(idx(LABELS[:n].astype(np.uint8))))
    same(open_data(tmp_path, train=True), digits[:, None], LABELS)
    test = open_data(str(tmp_path))
    same(test, digits[:2, None], LABELS[:2])
    x, y = test.take(slice(0, 1))
    assert x.dtype == np.float32 and np.array_equal(x, digits[:1, None] / np.float32(256)) and y.tolist() == [0]


def test_cifar(tmp_path):
    rows = np.concatenate([LABELS[:, None].astype(np.uint8), IMAGES.reshape(6, -1)], 1)
    for name, part in (("data_batch_1", rows[:2]), ("data_batch_2", rows[2:4]), ("test_batch", rows[4:])):
        (tmp_path / f"{name}.bin").write_bytes(part.tobytes())
    same(open_data(tmp_path, train=True), IMAGES[:4], LABELS[:4])
    same(open_data(tmp_path), IMAGES[4:], LABELS[4:])
    (tmp_path / "test_batch.bin").write_bytes(rows.tobytes()[:-1])
    with pytest.raises(FormatError, match="test_batch.bin.*3073"):
        open_data(tmp_path)


def test_folders_of_images(tmp_path):
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed: image folders are not tested")
    for part, at in (("train", range(4)), ("val", range(4, 6))):
        for i in at:
            folder = tmp_path / part / f"class{LABELS[i]}"
            folder.mkdir(parents=True, exist_ok=True)
            image.fromarray(IMAGES[i].transpose(1, 2, 0)[:, :, ::-1]).save(folder / f"{i}.png")
    order = [0, 3, 1, 2]        # by class
    same(open_data(tmp_path, train=True), IMAGES[order], LABELS[order])
    same(open_data(tmp_path), IMAGES[4:], LABELS[4:])       # which has no image of the first class
    image.new("RGB", (5, 5)).save(tmp_path / "train/class0/9.png")
    with pytest.raises(ShapeError, match=r"9.png.*\(3, 5, 5\).*\(3, 32, 32\)"):
        open_data(tmp_path, train=True)


def test_batches_and_subsets():
    data = open_data((IMAGES, LABELS)).with_transform(mean=np.float32([1, 2, 3]).reshape(3, 1, 1), scale=0.5)
    x, y = next(data.batches(2, order=[5, 0]))
    assert np.array_equal(x, (IMAGES[[5, 0]] - np.float32([1, 2, 3]).reshape(3, 1, 1)) * 0.5) and y.tolist() == [2, 0]
    assert [len(x) for x, _ in data.batches(4)] == [4, 2]
    assert len(data.subset(slice(0, 3))) == 3 and open_data(data) is data


class Own:
    """A dataset as torch's are, that answers by chance."""

    def __init__(self, answer=int):
        self.answer, self.asked = answer, 0

    def __len__(self):
        return len(IMAGES)

    def __getitem__(self, i):
        self.asked += 1
        return IMAGES[i] + np.float32(self.asked), self.answer(LABELS[i])


def test_datasets_of_the_users_own():
    data = open_data(Own())
    assert data.labels.dtype == np.int64 and np.array_equal(data.labels, LABELS) and data.shape == IMAGES.shape[1:]
    first, again = (data.take([4, 2]) for _ in range(2))
    assert first[1].tolist() == [1, 2] and (again[0] > first[0]).all(), "every use asks anew"
    some = data.subset(slice(1, 3)).with_transform(scale=2.0)
    assert len(some) == 2 and some.take([0])[0].shape == (1, 3, 32, 32)
    assert open_data(Own(lambda label: np.float64([label, 1]))).labels.dtype == np.float32


def test_a_torch_dataset():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed (the extra `train`)")
    data = open_data(torch.utils.data.TensorDataset(torch.from_numpy(IMAGES), torch.from_numpy(LABELS)))
    assert np.array_equal(data.labels, LABELS) and np.array_equal(data.take(slice(0, 6))[0], IMAGES)


class Uneven(Own):
    def __getitem__(self, i):
        return np.zeros((1, 2 + i // 3)), 0


@pytest.mark.parametrize("what, words", [
    (iter([]), "list_iterator has no length"), ([1, 2], "does not give"), ([], "no samples"), (5, "no length"),
    ((IMAGES, LABELS[:2]), "6 samples.*2 labels")])
def test_what_are_no_data(what, words):
    with pytest.raises(ScalpelError, match=words):
        open_data(what)


def test_samples_of_several_shapes():
    with pytest.raises(ShapeError, match=r"Uneven: a sample of shape \(1, 3\), but the first is \(1, 2\)"):
        open_data(Uneven()).take(slice(0, 6))


@pytest.mark.parametrize("content, words", [
    (b"", "not an idx"), (b"\0\0\x08\x02\0\0\0\x01", "not an idx"), (idx(LABELS.astype(np.uint8)) + b"x", "bytes"),
    (b"\x1f\x8bnothing", "cannot be read"), (b"\0\0\x08\x01" + b"\xff" * 4, "bytes"),
    (b"\0\0\x08\x46" + b"\0\0\0\1" * 70 + b"x", "70 axes; 32 at most"),
    (b"\0\0\x08\x04" + bytes(4) + b"\xff" * 12, "which no array can have")])
def test_bad_idx(tmp_path, content, words):
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(FormatError, match=words):
        read_idx(tmp_path / "f")


def test_what_holds_no_numbers(tmp_path):
    for images, words in ((np.array(["a", "b"]), "samples of <U1"), (np.ones((2, 3), complex), "samples of complex")):
        np.savez(tmp_path / "d.npz", images=images, labels=[0, 1])
        with pytest.raises(DataError, match=words):
            open_data(tmp_path / "d.npz")
    with pytest.raises(DataError, match="labels of <U1"):
        Dataset(np.zeros((2, 3)), np.array(["a", "b"]))


def test_mnist_of_other_axes(tmp_path):
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(b"\0\0\x08\0x")
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx(np.zeros(1, np.uint8)))
    with pytest.raises(FormatError, match=r"images-idx3.*shape \(\), where one of 3 axes"):
        open_data(tmp_path)


def test_bad_files(tmp_path):
    with pytest.raises(OptionsError, match="no such data"):
        open_data(tmp_path / "none")
    with pytest.raises(FormatError, match="holds no MNIST"):
        open_data(tmp_path)
    (tmp_path / "d.npz").write_bytes(b"PK nothing")
    with pytest.raises(FormatError, match="d.npz.*not a readable"):
        open_data(tmp_path / "d.npz")
    np.savez(tmp_path / "d.npz", images=IMAGES)
    with pytest.raises(FormatError, match="holds images; wanted one of labels"):
        open_data(tmp_path / "d.npz")
    (tmp_path / "d.csv").write_text("1,2")
    with pytest.raises(FormatError, match="data files are .npz"):
        open_data(tmp_path / "d.csv")
    assert isinstance(open_data((IMAGES, LABELS)), Dataset) and issubclass(DataError, ScalpelError)
