"""Files are written whole or not at all: whatever kills the process at whatever byte, and when the disk is full."""

import os
import resource
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager

import numpy as np
import pytest

import scalpel_rt as srt
from scalpel_rt import cli
from scalpel_rt.arrays import load_arrays, save_arrays
from scalpel_rt.caffe import parse_prototxt, upgrade_net
from scalpel_rt.files import atomic_path, atomic_write, together
from scalpel_rt.graph import build

TEXT = ('input: "x" input_shape { dim: 1 dim: 8 } layer { name: "f" type: "InnerProduct" bottom: "x" top: "y" '
        'inner_product_param { num_output: 300 weight_filler { type: "uniform" min: VALUE max: VALUE } } }')
FILES = {"caffemodel": ("n.caffemodel",), "hdf5": ("n.h5",), "compact": ("n.safetensors",), "prototxt": ("n.prototxt",)}


def net(value):
    return srt.Net(build(upgrade_net(parse_prototxt(TEXT.replace("VALUE", str(value))))))


def save(made, path):
    if path.suffix in (".prototxt", ".safetensors"):
        made.save(path)
    else:
        made.save(caffemodel=path)


#: Saves a net, or dies, once for each point "kind:number": by SIGXFSZ when it writes that byte of a file, or by SIGKILL
#: just before or after that one of the calls that make the new file the file.
DIES = """
import os, resource, signal, sys
sys.path[:0] = sys.argv[1].split(os.pathsep)
from pathlib import Path
from tests.test_files import net, save
path, points = Path(sys.argv[2]), sys.argv[3:]
new = net(2)
new.params
for node in new.layers:
    for param in node.params:
        param.array
def child(kind, number):
    if kind == "byte":
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (number, number))
    else:
        left = [number]
        def dying(real):
            def call(*args, **kwargs):
                left[0] -= 1
                if left[0] == 0 and kind == "before":
                    os.kill(os.getpid(), signal.SIGKILL)
                result = real(*args, **kwargs)
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return result
            return call
        for name in ("fsync", "replace", "unlink"):
            setattr(os, name, dying(getattr(os, name)))
    save(new, path)
    os._exit(0)
for point in points:
    kind, number = point.split(":")
    pid = os.fork()
    if pid == 0:
        try:
            child(kind, int(number))
        finally:
            os._exit(77)
    print(point, os.waitpid(pid, 0)[1], path.read_bytes().hex(), flush=True)
"""


@pytest.mark.parametrize("names", FILES.values(), ids=FILES)
def test_killed_at_any_byte_the_old_file_or_the_new_is_there(tmp_path, names):
    path = tmp_path / names[0]
    save(net(2), path)
    size = path.stat().st_size
    new = path.read_bytes()
    save(net(1), path)
    old = path.read_bytes()
    bytes_ = {0, 1, 2, 7, 8, 9, 63, 64, 65, *range(100, size, max(1, size // 25)), size - 1, size}
    points = [f"byte:{n}" for n in sorted(bytes_)]
    points += [f"{when}:{n}" for when in ("before", "after") for n in (1, 2)]
    done = subprocess.run([sys.executable, "-c", DIES, ":".join(sys.path), path, *points], capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    assert [row[0] for row in rows] == points
    died = 0
    changing = path.suffix == ".h5"     # h5py's files hold the time
    for point, status, content in rows:
        data = bytes.fromhex(content)
        if data != old:
            assert data == new if not changing else len(data) == len(new), point
            assert int(status) == 0 or point == "after:2", point
            old = data                   # from now on the new one is what is there
        died += os_signal(int(status)) in (signal.SIGXFSZ, signal.SIGKILL)
    assert died >= len(points) - 4 and rows[-5][1] == "0"


def os_signal(status):
    return status & 127


@contextmanager
def full_disk():
    """Writes beyond 1000 bytes of a file fail; only within the block, since the test runner writes files, too."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("name", ["n.caffemodel", "n.h5", "n.safetensors"])
def test_a_full_disk_leaves_the_old_file_and_says_which(tmp_path, name):
    path = tmp_path / name
    path.write_text("old")
    with full_disk(), pytest.raises(OSError, match=name):
        save(net(1), path)
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("weights", ["n.caffemodel", "n.h5"])
def test_a_full_disk_leaves_both_files_of_a_net(tmp_path, weights):
    """The description is short enough for the disk; it must not come without its weights."""
    names = tmp_path / "n.prototxt", tmp_path / weights
    for path in names:
        path.write_text("old")
    with full_disk(), pytest.raises(OSError, match=weights):
        net(1).save(*names)
    assert [path.read_text() for path in names] == ["old"] * 2 and len(list(tmp_path.iterdir())) == 2
    net(1).save(*names)
    assert srt.load(*names).params["f"][0].data.all() and len(list(tmp_path.iterdir())) == 2


def test_a_compact_file_does_not_come_without_its_weights(tmp_path):
    with pytest.raises(FileNotFoundError, match="none"):
        net(1).save(tmp_path / "n.safetensors", tmp_path / "none" / "n.caffemodel")
    assert list(tmp_path.iterdir()) == []


def test_files_that_wait_for_each_other(tmp_path):
    """A block within another is part of it; what is written outside of one does not wait."""
    with pytest.raises(ValueError, match="enough"), together():
        with together(), atomic_write(tmp_path / "a", "w") as file:
            file.write("a")
        raise ValueError("enough")
    assert list(tmp_path.iterdir()) == []
    with together():
        for name in "ab":
            with atomic_write(tmp_path / name, "w") as file:
                file.write(name)
        assert not (tmp_path / "a").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"] and (tmp_path / "b").read_text() == "b"
    with atomic_write(tmp_path / "c", "w") as file:
        file.write("c")
    assert (tmp_path / "c").read_text() == "c"


def test_a_full_disk_leaves_old_arrays(tmp_path):
    for name in ("x.npz", "x.npy"):
        save_arrays(tmp_path / name, {"a": np.arange(3)})
        with full_disk(), pytest.raises(OSError, match=name):
            save_arrays(tmp_path / name, {"a": np.arange(1000)})
        assert [array.tolist() for array in load_arrays(tmp_path / name).values()] == [[0, 1, 2]]
    assert len(list(tmp_path.iterdir())) == 2


def test_the_command_line_says_in_a_line_that_the_disk_is_full(tmp_path, capsys):
    (tmp_path / "n.prototxt").write_text(TEXT.replace("VALUE", "1"))
    with full_disk():
        status = cli.main(["run", str(tmp_path / "n.prototxt"), "--random", "-o", str(tmp_path / "y.npz")])
    error = capsys.readouterr().err
    assert status == 1 and error.count("\n") == 1 and "y.npz: " in error
    assert [p.name for p in tmp_path.iterdir()] == ["n.prototxt"]


def test_an_error_in_the_block_leaves_nothing(tmp_path):
    path = tmp_path / "f"
    for manager in (atomic_write, atomic_path):
        with pytest.raises(KeyboardInterrupt), manager(path) as made:
            if manager is atomic_write:
                made.write(b"half")
            raise KeyboardInterrupt
        assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_or_not_writable_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"), atomic_write(tmp_path / "nowhere" / "f"):
        pass


def test_a_pipe_or_a_device_is_written_to_and_stays_one(tmp_path):
    """/dev/null and /dev/stdout are names of outputs, too, and root may replace what lies there."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    seen = []
    for write in (lambda: save(net(1), pipe.with_name("n.prototxt")),
                  lambda: save_arrays(pipe.with_suffix(".npz"), {"a": np.arange(3)})):
        for name in ("n.prototxt", "pipe.npz"):
            (tmp_path / name).unlink(missing_ok=True)
            (tmp_path / name).symlink_to(pipe)
        reader = threading.Thread(target=lambda: seen.append(pipe.read_bytes()), daemon=True)
        reader.start()
        write()
        reader.join(60)
    assert pipe.is_fifo() and b"InnerProduct" in seen[0] and seen[1].startswith(b"PK")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["n.prototxt", "pipe", "pipe.npz"]


def test_a_folder_is_no_file_to_write(tmp_path):
    for manager in (atomic_write, atomic_path):
        with pytest.raises(IsADirectoryError, match=tmp_path.name), manager(tmp_path) as made:
            if manager is atomic_path:
                open(made, "w").close()
    assert not list(tmp_path.parent.glob("*.part"))


def test_a_link_keeps_being_one(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with atomic_write(tmp_path / "link", "w") as file:
        file.write("new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_text() == "new"
