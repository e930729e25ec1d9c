"""Some thousand damaged files, read as the fuzzing targets read them (fuzz/), within bounds of memory and time."""

from pathlib import Path

import pytest

from .nets import in_a_process

TARGETS = sorted(path.stem for path in (Path(__file__).parents[2] / "fuzz").glob("[!_]*.py"))
DAMAGED = {"safetensors": 60, "images": 50, "arrays": 25, "hdf5": 30, "caffemodel": 6, "results": 30}   # of each seed

CODE = """
import importlib, sys, tempfile
from pathlib import Path
from tests.caffe.test_mutations import mutations
target = importlib.import_module("fuzz." + sys.argv[1])
count = 0
with tempfile.TemporaryDirectory() as scratch:
    for number, seed in enumerate(target.seeds()):
        for data in [seed, *mutations(seed, int(sys.argv[2]), number)]:
            try:
                target.once(data, Path(scratch))
            except Exception:
                Path(sys.argv[3]).write_bytes(data)
                raise
            count += 1
print(count)
"""


@pytest.mark.parametrize("target, each", DAMAGED.items())
def test_damaged_files_are_read_or_refused(tmp_path, target, each):
    """A clean answer or an error of ours, whatever the bytes; what was found otherwise lies in tmp_path."""
    assert int(in_a_process(CODE, target, each, tmp_path / "found", seconds=90)) > 5 * each


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_takes_its_own_seeds(tmp_path, target):
    """No target names what is no longer there, those that ordinary tests do not run otherwise included."""
    assert int(in_a_process(CODE, target, 0, tmp_path / "found", seconds=90)) > 5


def test_what_the_targets_are_made_of_is_sound():
    """The files that the damage is done to are themselves read, or the test above would prove little."""
    code = CODE.replace("[seed, *mutations(seed, int(sys.argv[2]), number)]", "[seed]").replace(
        "target.once(data, Path(scratch))", "path = Path(scratch, 'x'); path.write_bytes(data); read(path)")
    reads = {"safetensors": "from scalpel_rt.caffe import read_compact as read",
             "images": "from scalpel_rt.imaging import load_image as read"}
    for target, read in reads.items():
        assert int(in_a_process(read + code, target, 0, "/dev/null")) > 5
