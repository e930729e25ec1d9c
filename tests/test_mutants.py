"""The planted faults themselves; ``make mutants`` plants them."""

import shlex
from pathlib import Path
from types import SimpleNamespace

import pytest

from .mutants.faults import FAULTS, Fault
from .mutants.run import NOTICED, Tree

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_place_of_a_fault_is_found(fault):
    assert (ROOT / fault.file).read_text().count(fault.old) == 1
    assert fault.old != fault.new
    assert (ROOT / shlex.split(fault.tests)[0]).exists()


def test_a_fault_in_python_is_not_judged_with_the_one_in_c_before_it(tmp_path, monkeypatch, capsys):
    """What was built with a fault in it is built again before the next one, whatever file that is in."""
    (tmp_path / "a.c").write_text("good c")
    (tmp_path / "b.py").write_text("good py")
    tree = Tree(tmp_path, ["python"])
    built = tmp_path / "a.so"

    def build():
        built.write_text((tmp_path / "a.c").read_text())
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(tree, "build", build)
    monkeypatch.setattr(tree, "test", lambda tests: (int("bad" in built.read_text()), 0.0, "FAILED tests/a::b"))
    assert tree.judge(Fault("in c", "a.c", "good", "bad", "")) == NOTICED
    assert tree.judge(Fault("in python", "b.py", "good", "bad", "")) != NOTICED
    assert (tmp_path / "a.c").read_text() == "good c" and "in python" in capsys.readouterr().out


def test_faults_have_names_of_their_own():
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
