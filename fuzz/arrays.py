"""Arrays: .npy, .npz and idx files, and what comes out of them into forward and run."""

import gzip
import io

import numpy as np

import scalpel_rt as srt
from scalpel_rt.arrays import load_arrays
from scalpel_rt.caffe import parse_prototxt, upgrade_net
from scalpel_rt.datasets import read_idx
from scalpel_rt.graph import build
from scalpel_rt.runtime.reference import ReferencePlan

from ._nets import refused_or

NET = """input: "x" input_shape { dim: 1 dim: 2 dim: 3 dim: 4 }
layer { name: "p" type: "Pooling" bottom: "x" top: "p" pooling_param { kernel_size: 2 } }
layer { name: "a" type: "TanH" bottom: "p" top: "a" }
layer { name: "s" type: "Softmax" bottom: "p" top: "s" }"""
LIMITS = srt.Limits(max_bytes=2**24)
NETS = [srt.Net(build(upgrade_net(parse_prototxt(NET))), srt.Options(threads=1), limits=LIMITS)]


def seeds():
    made = []
    for dtype in ("f4", "f8", "f2", ">f4", "i1", "u2", ">i8", "?", "c8", "S3", "U2", "M8[s]", "f4,i4"):
        file = io.BytesIO()
        np.save(file, np.zeros((1, 2, 3, 4), dtype))
        made.append(file.getvalue())
    for save in (np.savez, np.savez_compressed):
        file = io.BytesIO()
        save(file, x=np.asfortranarray(np.random.default_rng(0).random((2, 2, 3, 4))), y=np.float32(3))
        made.append(file.getvalue())
    idx = b"\0\0\x08\x03" + np.array([2, 3, 4], ">u4").tobytes() + bytes(24)
    return [*made, idx, gzip.compress(idx)]


def once(data, scratch):
    path = scratch / "array"
    path.write_bytes(data)
    refused_or(read_idx, path)
    for array in (refused_or(load_arrays, path, LIMITS) or {}).values():
        for given in (array, array.T, array[..., ::-1] if array.ndim else array):
            feed(given)


def feed(array):
    for net in NETS:
        got = refused_or(net.forward, {"x": array})
        if got is None or array.size > 1000:
            continue
        refused_or(net.compile().run_all, array, also=(TypeError,))
        with np.errstate(all="ignore"):
            want = ReferencePlan(net.graph).run_all(np.ascontiguousarray(array, np.float32))
            for name, value in zip(net.outputs, want, strict=True):
                assert got[name].shape == value.shape
                assert np.allclose(got[name], value, rtol=1e-4, atol=1e-5, equal_nan=True), name
