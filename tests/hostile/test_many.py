"""Many layers, tops or bottoms: refused early where too many, and else in time that grows with their number."""

import gc
import time

import pytest

import scalpel_rt as srt
from scalpel_rt.caffe import parse_prototxt
from scalpel_rt.options import Limits

from .nets import given, graph, layer

N = Limits().max_layers


def seconds(function):
    started = time.process_time()
    function()
    return time.process_time() - started


@pytest.mark.parametrize("text, what", [
    ("layer {}\n" * 1_000_000, "layers"), ("layers { type: RELU }\n" * 1_000_000, "layers"),
    ("layer { include { phase: TRAIN } }\n" * 300_000, "layers"), ('input: "x"\n' * 1_000_000, "of input"),
    ("layer { name: 'many' " + "bottom: 'x'\n" * 1_000_000 + "}", "many.*of bottom"),
    ("layer { name: 'many' " + "param {}\n" * 1_000_000 + "}", "many.*of param")])
def test_a_million_layers_are_refused_after_the_first_ten_thousand(text, what):
    def read():
        with pytest.raises(srt.LimitError, match=f"(line {N + 1}|line {N + 2}).*{what}"):
            parse_prototxt(text)

    assert seconds(read) < 20


def chain(kind, n):
    return given(1, 2, 1, 1) + "".join(
        layer(kind, bottom=f'bottom: "b{i - 1}"' if i else 'bottom: "x"', top=f'top: "b{i}"', name=f"l{i}")
        for i in range(n))


NETS = {
    "in place": lambda n: given(1, 2) + "".join(layer("ReLU", top='top: "x"', name=f"l{i}") for i in range(n)),
    "chain": lambda n: chain("Power", n),
    "views": lambda n: chain("Flatten", n),
    "fan": lambda n: given(1, 2) + "".join(layer("TanH", top=f'top: "y{i}"', name=f"l{i}") for i in range(n)),
    "slice": lambda n: given(1, n) + layer("Slice", top=" ".join(f'top: "y{i}"' for i in range(n))),
    "concat": lambda n: given(1, 1) + layer("Concat", bottom='bottom: "x" ' * n),
}


@pytest.mark.parametrize("make", NETS.values(), ids=NETS)
def test_time_grows_with_the_number_of_layers(make):
    """Eight times as many take about eight times as long; 64 times would be quadratic.

    In turns and the fastest of each, since both may meet a busy machine; and without what other tests have left
    on the heap, where one full collection takes longer than the few layers.
    """
    def build_and_plan(n):
        return seconds(lambda: srt.Net(graph(make(n))).compile(srt.Options(threads=1)))

    gc.collect()
    gc.freeze()
    try:
        build_and_plan(50)
        rounds = [(build_and_plan(250), build_and_plan(2000)) for _ in range(3)]
    finally:
        gc.unfreeze()
    few, many = map(min, zip(*rounds, strict=True))
    assert many < 24 * few


def test_layers_in_the_binary_weights_are_bounded(tmp_path):
    from scalpel_rt.caffe import read_weights
    path = tmp_path / "many.caffemodel"
    path.write_bytes(b"\xa2\x06\0" * 250_000)
    with pytest.raises(srt.FormatError, match="many.caffemodel.*more than 200000 layers"):
        read_weights(path)


def test_self_feeding_and_cyclic_graphs():
    for text in (layer("ReLU", bottom='bottom: "a"', top='top: "a"'),
                 layer("ReLU", bottom='bottom: "b"', top='top: "a"')
                 + layer("ReLU", bottom='bottom: "a"', top='top: "b"'),
                 given(1, 2) + layer("Eltwise", bottom='bottom: "x" bottom: "y"'),
                 given(1, 2) + layer("Concat", bottom='bottom: "x" bottom: "z"', top='top: "y"')
                 + layer("ReLU", bottom='bottom: "y"', top='top: "z"')):
        with pytest.raises(srt.GraphError, match="layer 'l': bottom .* is made"):
            graph(text)
