"""Compact files: net and sparse weights in one."""

import random
import tempfile
from pathlib import Path

import numpy as np

import scalpel_rt as srt
from scalpel_rt.caffe import parse_prototxt, upgrade_net
from scalpel_rt.graph import build, summarize

from ._nets import refused_or

NET = """input: "x" input_shape { dim: 1 dim: 3 dim: 6 dim: 6 }
layer { name: "c" type: "Convolution" bottom: "x" top: "c" convolution_param { num_output: 8 kernel_size: 3 } }
layer { name: "f" type: "InnerProduct" bottom: "c" top: "f" inner_product_param { num_output: 9 } }"""


def seeds():
    made = []
    with tempfile.TemporaryDirectory() as folder:
        for sparsity in (0, 0.7, 0.95):
            for width in (1, 4, 8):
                rng = np.random.default_rng(width)
                graph = build(upgrade_net(parse_prototxt(NET)))
                for node in graph.nodes:
                    for param in node.params:
                        values = rng.standard_normal(param.shape).astype(np.float32).reshape(param.shape[0], -1)
                        keep = rng.random((len(values), -(-values.shape[1] // width))) >= sparsity
                        values *= np.repeat(keep, width, axis=1)[:, : values.shape[1]]
                        param.array = values.reshape(param.shape)
                path = Path(folder, "n.safetensors")
                srt.Net(graph).save(path)
                made.append(path.read_bytes())
    return made


def once(data, scratch):
    path = scratch / "n.safetensors"
    path.write_bytes(data)
    net = refused_or(srt.load, path)
    if net is None or not net.graph.ready:
        return
    summary = summarize(net.graph)
    if summary.activation_bytes + summary.parameter_bytes > 4e5 or summary.multiply_adds > 1e7:
        return
    feed = {name: np.ones(net.blobs[name].shape, np.float32) for name in net.inputs}
    got = refused_or(net.forward, feed)
    if got is not None:     # the sparse kernels and the dense ones must agree
        net.options = srt.Options(weights="dense", isa="scalar")
        want = net.forward(feed)
        for name in want:
            if np.isfinite(want[name]).all() and np.abs(want[name]).max(initial=0) < 1e30:
                scale = max(1.0, *(np.abs(p.array).max(initial=0) for n in net.layers for p in n.params)) ** 2
                assert np.allclose(got[name], want[name], rtol=1e-3, atol=1e-3 * scale), name


def mutate(data, max_size, seed):
    """Digits of the header a third of the time, and the header's length is kept true half of the time."""
    import atheris  # here alone, so that the ordinary tests can use the target without it

    rng = random.Random(seed)
    made = bytearray(data)
    length = int.from_bytes(made[:8], "little")
    if not 0 < length <= len(made) - 8:
        return atheris.Mutate(data, len(data) + 64)
    header, body = made[8:8 + length], made[8 + length:]
    if rng.random() < 0.4:
        digits = [i for i, byte in enumerate(header) if 48 <= byte < 58]
        for _ in range(rng.choice([1, 1, 2])):
            header[rng.choice(digits or [0])] = rng.choice(b"0123456789-")
    elif rng.random() < 0.5:
        header = bytearray(atheris.Mutate(bytes(header), len(header) + 32))
    else:
        body = bytearray(atheris.Mutate(bytes(body) or b"x", len(body) + 32))
    return len(header).to_bytes(8, "little") + bytes(header) + bytes(body)
