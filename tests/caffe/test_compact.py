"""Compact files: what goes in comes out, in few bytes; hostile files are errors."""

import json
import resource

import numpy as np
import pytest

import scalpel_rt as srt
from scalpel_rt.caffe import is_compact, read_compact, write_compact
from scalpel_rt.errors import FormatError, LimitError, ScalpelError, UnsupportedError, WeightsError
from scalpel_rt.graph.save import save_compact
from scalpel_rt.net import Net

from ..graph.nets import LENET, graph, input_layer, layer
from ..pruning.judge import randomize

SHARED = input_layer("x", 1, 40) + "".join(
    layer("InnerProduct", bottom, top, 'param { name: "w" } inner_product_param { num_output: 40 }')
    for bottom, top in (("x", "f"), ("f", "g")))


@pytest.fixture
def net():
    return srt.prune(Net(randomize(graph(LENET))), "simd", width=4, sparsity={"ip1": 0.9})


def same(one, other):
    for a, b in zip(one.layers, other.layers, strict=True):
        assert (a.name, a.type) == (b.name, b.type)
        for p, q in zip(a.params, b.params, strict=True):
            assert p.array.tobytes() == q.array.tobytes() and p.shape == q.shape


def test_round_trip(net, tmp_path):
    path = tmp_path / "net.safetensors"
    net.save(path)
    again = srt.load(path)
    same(net, again)
    x = np.random.default_rng(0).random((2, 1, 12, 12))
    assert (net.forward(data=x)["prob"] == again.forward(data=x)["prob"]).all()
    net.save(tmp_path / "p", tmp_path / "w")
    same(srt.load(tmp_path / "p", path), net)
    assert is_compact(path) and not is_compact(tmp_path / "p") and not is_compact(tmp_path / "w")


@pytest.mark.parametrize("method, options", [
    ("magnitude", {"sparsity": 0.95}), ("simd", {"width": 4, "sparsity": 0.8}),
    ("simd", {"width": 16, "axis": "out", "sparsity": 0.8}), ("nodes", {"sparsity": 0.5})])
def test_all_prunings(method, options, tmp_path):
    small = srt.prune(Net(randomize(graph(LENET))), method, **options)
    small.save(tmp_path / "n.safetensors")
    same(srt.load(tmp_path / "n.safetensors"), small)


def test_nothing_is_unpacked_before_it_is_used(net, tmp_path):
    net.save(tmp_path / "n.safetensors")
    again = srt.load(tmp_path / "n.safetensors")
    ip1 = again.layers[3].params[0]
    assert not ip1.loaded and again.layers[3].params[1].loaded
    assert ip1.array is ip1.array and ip1.loaded


def test_sizes_count_everything(net, tmp_path):
    path = tmp_path / "n.safetensors"
    sizes = save_compact(net.graph, path)
    form, size = sizes["ip1", 0]
    w = net.params["ip1"][0].data
    kept = np.count_nonzero(np.add.reduceat(w != 0, np.arange(0, 100, 4), axis=1))
    assert form == "group" and size == kept * 17 + 6
    assert sizes["conv1", 0] == ("dense", 4 * 9 * 4) and sizes["ip1", 1] == ("dense", 20)
    header = int.from_bytes(path.read_bytes()[:8], "little")
    assert path.stat().st_size == 8 + header + sum(size for _, size in sizes.values())


def test_the_safetensors_library_reads_it(net, tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy", reason="the safetensors library is not installed")
    path = tmp_path / "n.safetensors"
    net.save(path)
    tensors = safetensors.load_file(path)
    assert tensors["conv1/0.values"].tobytes() == net.params["conv1"][0].data.tobytes()
    assert tensors["ip1/0.values"].shape[1] == 4 and tensors["ip1/0.idx"].dtype == np.uint8


def test_shared_weights_are_stored_once(tmp_path):
    path = tmp_path / "n.safetensors"
    net = Net(randomize(graph(SHARED)))
    sizes = save_compact(net.graph, path)
    assert set(sizes) == {("f", 0), ("f", 1), ("g", 1)}
    again = srt.load(path)
    same(net, again)
    assert again.layers[1].params[0] is again.layers[2].params[0]


def test_what_is_written_stays_out_of_the_file(net, tmp_path):
    path = tmp_path / "n.safetensors"
    net.save(path)
    before = path.read_bytes()
    again = srt.load(path)
    for views in again.params.values():
        for view in views:
            view.data[...] = 3
    assert path.read_bytes() == before


def test_a_full_disk_leaves_what_was_there(net, tmp_path):
    path = tmp_path / "n.safetensors"
    net.save(path)
    before, weights = path.read_bytes(), net.params["conv1"][0].data.copy()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))    # a write beyond it fails, as on a full disk
    try:
        with pytest.raises(OSError):
            net.save(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["n.safetensors"]
    assert (net.params["conv1"][0].data == weights).all()


def test_names_twice_are_refused(tmp_path):
    with pytest.raises(FormatError, match="'a'.*two layers"):
        write_compact(tmp_path / "n", "", [("a", {0: np.zeros((2, 2), np.float32)})] * 2)
    assert not (tmp_path / "n").exists()


def parts(path):
    """(header, data) of a safetensors file."""
    data = path.read_bytes()
    n = int.from_bytes(data[:8], "little")
    return json.loads(data[8:8 + n]), data[8 + n:]


def rewrite(path, header, data):
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def entry(header, layer, number=0):
    """The list of parameters, and the entry of one of them."""
    listed = json.loads(header["__metadata__"]["parameters"])
    return listed, next(e for e in listed if (e["layer"], e["number"]) == (layer, number))


def spoil_entry(layer, /, **changes):
    def spoil(header, data):
        listed, one = entry(header, layer)
        one.update(changes)
        header["__metadata__"]["parameters"] = json.dumps(listed)
        return data
    return spoil


def spoil_tensor(name, /, **changes):
    def spoil(header, data):
        header[name].update(changes)
        return data
    return spoil


def spoil_bytes(name, value):
    def spoil(header, data):
        start, stop = header[name]["data_offsets"]
        return data[:start] + bytes([value]) * (stop - start) + data[stop:]
    return spoil


def spoil_metadata(**changes):
    def spoil(header, data):
        header["__metadata__"].update(changes)
        return data
    return spoil


@pytest.mark.parametrize("spoil, words", [
    (spoil_bytes("ip1/0.idx", 255), "'ip1'.*idx holds 255"),
    (spoil_bytes("ip1/0.idx", 3), "'ip1'.*ascend"),
    (spoil_bytes("ip1/0.ptr", 9), "'ip1'.*ptr"),
    (spoil_entry("ip1", shape=[5, 1 << 40]),
     r"'ip1'.*shape \(5, 1099511627776\) in the weights, \(5, 100\) in the net"),
    (spoil_entry("ip1", shape=[1 << 40, 100]), "'ip1'.*ptr has"),
    (spoil_entry("ip1", shape=[5, -100]), "'ip1'.*shape"),
    (spoil_entry("ip1", shape=[5] * 40), "'ip1'.*shape"),
    (spoil_entry("ip1", shape=[500]), "'ip1'.*shape"),
    (spoil_entry("ip1", shape=[1 << 70, 1 << 70]), "'ip1'.*shape"),
    (spoil_entry("ip1", shape="big"), "'ip1'.*shape"),
    (spoil_entry("ip1", width=7), "'ip1'.*row has 15 groups"),
    (spoil_entry("ip1", width=None), "'ip1'.*width"),
    (spoil_entry("ip1", axis="up"), "'ip1'.*in, out"),
    (spoil_entry("ip1", form="magic"), "'ip1'.*magic"),
    (spoil_entry("ip1", tensors={}), "'ip1'"),
    (spoil_entry("ip1", tensors={"ptr": "no", "idx": "such", "values": "tensor"}), "'ip1'.*'no'"),
    (spoil_entry("ip1", tensors={"ptr": "__metadata__", "idx": 3, "values": []}), "'ip1'"),
    (spoil_entry("ip1", number=-1), "'ip1'.*number -1"),
    (spoil_entry("ip1", number=1), "'ip1'.*number 1"),
    (spoil_entry("ip1", number=10**9), "'ip1'.*number"),
    (spoil_entry("ip1", layer=5), "no layer"),
    (spoil_entry("conv1", shape=[4, 1, 3, 4]), "'conv1'.*shape"),
    (spoil_tensor("ip1/0.values", data_offsets=[0, 1 << 40]), "'ip1'.*lies at"),
    (spoil_tensor("ip1/0.values", data_offsets=[8, 4]), "'ip1'.*lies at"),
    (spoil_tensor("ip1/0.values", data_offsets=[-8, 0]), "'ip1'.*lies at"),
    (spoil_tensor("ip1/0.values", data_offsets=7), "'ip1'.*lies at"),
    (spoil_tensor("ip1/0.values", shape=[1, 4]), "'ip1'.*bytes"),
    (spoil_tensor("ip1/0.values", dtype="F64"), "'ip1'.*type"),
    (spoil_tensor("ip1/0.idx", dtype="U16"), "'ip1'.*bytes"),
    (spoil_tensor("conv1/0.values", dtype="U32"), "'conv1'.*uint32"),
    (spoil_metadata(format="pt"), "not of the format"),
    (spoil_metadata(version="2"), "version"),
    (spoil_metadata(prototxt=3), "prototxt"),
    (spoil_metadata(prototxt="layer { name: }"), ":1: name is a string"),
    (spoil_metadata(parameters="[" * 100_000), "JSON"),
    (spoil_metadata(parameters="7"), "list"),
    (spoil_metadata(parameters="[7]"), "no layer"),
])
def test_hostile_files(net, tmp_path, spoil, words):
    path = tmp_path / "n.safetensors"
    net.save(path)
    header, data = parts(path)
    data = spoil(header, data)
    rewrite(path, header, data)
    with pytest.raises((FormatError, UnsupportedError, WeightsError), match=f"(?s)n.safetensors.*{words}"):
        srt.load(path)


def test_weights_that_do_not_fit_the_net(net, tmp_path):
    net.save(tmp_path / "n.safetensors")
    other = LENET.replace("num_output: 5", "num_output: 6")
    (tmp_path / "p").write_text(other)
    with pytest.raises(WeightsError, match=r"'ip1'.*\(5, 100\).*\(6, 100\)"):
        srt.load(tmp_path / "p", tmp_path / "n.safetensors")


def test_a_small_file_cannot_ask_for_much_memory(tmp_path):
    """A matrix that is all zeros takes no bytes however wide it is; what the net would take is limited before."""
    text = input_layer("x", 1, 1 << 28) + layer("InnerProduct", "x", "f", "inner_product_param { num_output: 7 }")
    sizes = write_compact(tmp_path / "n", text, [("f", {0: np.zeros((7, 3), np.float32)})])
    assert sizes["f", 0][1] < 20
    header, data = parts(tmp_path / "n")
    listed, one = entry(header, "f")
    one["shape"] = [7, 1 << 28]
    header["__metadata__"]["parameters"] = json.dumps(listed)
    rewrite(tmp_path / "n", header, data)
    with pytest.raises(LimitError, match="'f'"):
        srt.load(tmp_path / "n", limits=srt.Limits(max_bytes=2**30))


def test_damaged_files_never_do_worse_than_raise(net, tmp_path):
    path = tmp_path / "n.safetensors"
    net.save(path)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for size in (0, 5, 8, 9, 50, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(ScalpelError):
            read_compact(path)
    for _ in range(400):
        data = bytearray(whole)
        for at in rng.integers(0, len(data), rng.integers(1, 6)):
            data[at] = rng.integers(256)
        path.write_bytes(data)
        try:
            read_compact(path)
        except ScalpelError:
            pass
