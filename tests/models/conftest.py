"""Real data for real nets."""

import importlib.util

import numpy as np
import pytest

from scalpel_rt.datasets import Dataset, Transform, read_mnist


@pytest.fixture(scope="session")
def mnist(shared):
    """The 10,000 test digits, scaled by 1/256."""
    return read_mnist(shared / "data" / "mnist")


@pytest.fixture(scope="session")
def cifar10(shared):
    """The 10,000 test images, minus the mean image."""
    folder = shared / "data" / "cifar10"
    spec = importlib.util.spec_from_file_location("unpack", folder / "unpack.py")
    unpack = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(unpack)
    images = np.ascontiguousarray(unpack.images("test_batch").transpose(0, 3, 1, 2))
    labels = np.load(folder / "labels.npz")["test_batch"].astype(np.int64)
    return Dataset(images, labels, Transform(mean=np.load(folder / "mean_chw_f64.npy")))
