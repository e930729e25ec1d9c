"""Loading a big net: the weights stay in the file until a plan packs them, and fillers do not run."""

import time
import tracemalloc

import numpy as np
import pytest

import scalpel_rt as srt

PARAMETERS = 60_965_224     # AlexNet's


@pytest.fixture(scope="module")
def alexnet(shared, tmp_path_factory):
    """AlexNet with weights that nobody trained: (prototxt, caffemodel of 233 MiB)."""
    prototxt = shared / "prototxts" / "BVLC__caffe__models_bvlc_alexnet_deploy.prototxt"
    net = srt.load(prototxt)
    for node in net.layers:
        for i, param in enumerate(node.params):
            param.array = np.full(param.shape, i + 0.25, np.float32)
    path = tmp_path_factory.mktemp("alexnet") / "alexnet.caffemodel"
    net.save(caffemodel=path)
    assert 4 * PARAMETERS < path.stat().st_size < 4 * PARAMETERS + 10_000
    yield prototxt, path
    path.unlink()


def test_alexnet_loads_at_once(alexnet):
    times = []
    for _ in range(5):
        start = time.perf_counter()
        net = srt.load(*alexnet)
        times.append(time.perf_counter() - start)
    assert net.summary().parameters == PARAMETERS
    assert net.params["fc8"][1].data[999] == 1.25
    assert min(times) < 0.15


def test_weights_are_not_copied(alexnet):
    tracemalloc.start()
    try:
        net = srt.load(*alexnet)
        assert all(param.loaded for node in net.layers for param in node.params)
        held = [param.array for node in net.layers for param in node.params]
        assert tracemalloc.get_traced_memory()[1] < 8e6
    finally:
        tracemalloc.stop()
    assert sum(array.nbytes for array in held) == 4 * PARAMETERS


def test_fillers_wait(shared):
    tracemalloc.start()
    try:
        net = srt.load(shared / "prototxts" / "BVLC__caffe__models_bvlc_alexnet_deploy.prototxt")
        assert not any(param.loaded for node in net.layers for param in node.params)
        assert tracemalloc.get_traced_memory()[1] < 8e6
    finally:
        tracemalloc.stop()
