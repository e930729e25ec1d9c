"""Sizes that overflow, that no machine has, or that a caller does not want: an error, before memory is taken."""

import time
import tracemalloc

import numpy as np
import pytest

import scalpel_rt as srt
from scalpel_rt import cli
from scalpel_rt.caffe import read_weights

from ..caffe import encode
from .nets import given, graph, layer, refused

CONV = "convolution_param {{ num_output: 2 {} }}"


@pytest.fixture
def peak():
    """Asks for the most bytes that Python and NumPy held at once."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


HUGE = [
    given(2**40, 2**40),
    given(2**62, 4, 4),
    given(*[2**63 - 1] * 4),
    given(*[65536] * 32),
    given(1, 1, 2**31, 2**31),
    given(1, 3, 9, 9) + layer("InnerProduct", "inner_product_param { num_output: 4294967295 }"),
    given(1, 3, 9, 9) + layer("Convolution", "convolution_param { num_output: 4294967295 kernel_size: 3 }"),
    given(1, 3, 9, 9) + layer("Deconvolution", "convolution_param { num_output: 2 kernel_size: 3 stride: 2147483647 }"),
    given(1, 3, 9, 9) + layer("Tile", "tile_param { tiles: 2147483647 }"),
    given(1, 3, 9, 9) + layer("Im2col", "convolution_param { kernel_size: 9 pad: 2147483647 }"),
    given(1, 3, 9, 9) + layer("SPP", "spp_param { pyramid_height: 40 }"),
    given(1, 3, 9, 9) + layer("Embed", "embed_param { num_output: 2000000000 input_dim: 2000000000 }"),
    given(1, 3, 9, 9) + layer("Interp", "interp_param { height: 2000000000 width: 2000000000 }"),
    layer("DummyData", "dummy_data_param { shape { dim: 1099511627776 } }", bottom=""),
    layer("MemoryData", "memory_data_param { batch_size: 4294967295 channels: 9 height: 4294967295 width: 9 }",
          bottom='top: "z"'),
]


@pytest.mark.parametrize("text", HUGE, ids=range(len(HUGE)))
def test_dimensions_that_overflow_and_terabytes_from_a_hundred_bytes(peak, text):
    assert len(text) < 400
    started = time.process_time()
    assert "layer" in refused(text)
    assert peak() < 2**24 and time.process_time() - started < 5


@pytest.mark.parametrize("fields, word", [
    (CONV.format("kernel_size: 3 pad: 4294967295"), "l"), (CONV.format("kernel_size: 3 pad: -1"), "negative"),
    (CONV.format("kernel_size: 4294967295"), "l"), (CONV.format("kernel_size: 0"), "kernel"),
    (CONV.format("kernel_size: 3 stride: 0"), "stride"), (CONV.format("kernel_size: 3 dilation: 4294967295"), "l"),
    (CONV.format("kernel_size: 3 group: 0"), "group"), (CONV.format("kernel_h: 3 kernel_w: 99 pad_w: 4"), "l")])
def test_negative_and_huge_pads_kernels_and_strides_of_a_convolution(peak, fields, word):
    assert word in refused(given(1, 2, 9, 9) + layer("Convolution", fields))
    assert peak() < 2**24


@pytest.mark.parametrize("fields", ["kernel_size: 3 pad: 3", "kernel_size: 3 pad: 4294967295", "kernel_size: 0",
                                    "kernel_size: 4294967295", "kernel_size: 2 stride: 0", "kernel_size: 2 pad: -1"])
def test_negative_and_huge_pads_of_a_pooling(peak, fields):
    refused(given(1, 2, 9, 9) + layer("Pooling", f"pooling_param {{ {fields} }}"))
    assert peak() < 2**24


@pytest.mark.parametrize("each", [(), (3.0,)], ids=["empty", "of one number"])
def test_a_blob_in_many_runs(tmp_path, peak, each):
    """Of a packed field there may be any number of pieces, each an object of a hundred bytes and more."""
    n, path = 100_000, tmp_path / "n.caffemodel"
    path.write_bytes(encode.layer("a", encode.packed(5, each) * n + encode.packed(5, (1.0, 2.0))))
    [blob] = read_weights(path).layers[0].blobs
    assert blob.array.tolist() == [*each * n, 1.0, 2.0]
    assert peak() < 2**23 + 64 * path.stat().st_size


@pytest.mark.parametrize("limits, what", [(srt.Limits(max_elements=999), "max_elements = 999"),
                                          (srt.Limits(max_bytes=7999), "max_bytes = 7999")])
def test_limits_hold_for_blobs_and_parameters(peak, limits, what):
    text = given(1, 1000) + layer("InnerProduct", "inner_product_param { num_output: 1 }")
    assert what in refused(text, limits=limits)
    graph(text)
    assert peak() < 2**24


def test_limits_hold_for_shapes_that_come_later():
    net = srt.Net(graph(given(1, 4) + layer("TanH")), limits=srt.Limits(max_bytes=8000))
    net.forward(x=np.zeros((1000, 1)))
    with pytest.raises(srt.LimitError, match="max_bytes"):
        net.forward(x=np.zeros((1001, 1)))
    with pytest.raises(srt.LimitError, match="max_elements"):
        srt.Net(graph(given(1, 4) + layer("TanH"))).forward(x=np.broadcast_to(np.float32(1), (2**31, 4)))
    assert net.forward(x=np.ones((1, 2)))["y"].shape == (1, 2)


@pytest.mark.parametrize("option, message", [
    ("--max-elements=1k", "max_elements = 1024"), ("--max-bytes=40K", None), ("--max-bytes=40k", "max_bytes = 40960"),
    ("--max-layers=1", "max_layers = 1"), ("--max-bytes=0", None), ("--max-bytes=1T", "")])
def test_limits_on_the_command_line(tmp_path, capsys, option, message):
    path = tmp_path / "net.prototxt"
    path.write_text(given(1, 64, 64) + layer("TanH", name="a") + layer("TanH", name="b", top='top: "z"'))
    if message is None:
        with pytest.raises(SystemExit):
            cli.main(["info", str(path), option])
        assert "is not a size" in capsys.readouterr().err
        return
    status = cli.main(["info", str(path), option])
    assert (status, message in capsys.readouterr().err) == (int(message != ""), True)
