"""Remembering measurements."""

import json
import multiprocessing

import pytest

from scalpel_rt.plan import cache
from scalpel_rt.plan.cache import Cache


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SCALPEL_CACHE", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"3", b"null", b"\xff\xfe", b'{"a": 3}', b'{"a": [1.0]}',
                                     b'{"a": {"b": "c"}}', b'{"a": {"b": -1.0}}', b"[" * 100_000])
def test_a_corrupt_file_is_ignored_and_replaced(folder, content):
    file = folder / "times.json"
    file.write_bytes(content)
    held = Cache(file)
    assert held.get("k") == {}
    held.put("k", {"s": 1.0})
    held.save()
    assert Cache(file).get("k") == {"s": 1.0}


def test_a_folder_that_cannot_be_written_is_no_error(folder):
    (folder / "file").write_text("")
    held = Cache(folder / "file" / "times.json")
    held.put("k", {"s": 1.0})
    held.save()
    assert held.get("k") == {"s": 1.0}


def _add(path, i):
    held = Cache(path)
    held.put(f"key{i}", {"s": float(i)})
    held.save()


def test_several_processes_may_write(folder):
    """The file is whole at any time; of two that write at once, one may have to measure again."""
    file = folder / "times.json"
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        pool.starmap(_add, [(file, i) for i in range(12)])
    held = json.loads(file.read_text())
    assert held and all(held[f"key{i}"] == {"s": float(i)} for i in range(12) if f"key{i}" in held)
    assert [path.name for path in folder.iterdir()] == ["times.json"]


def test_entries_join_those_of_others(folder):
    one, two = Cache(folder / "f"), Cache(folder / "f")
    one.put("k", {"a": 1.0})
    two.put("k", {"b": 2.0})
    one.save()
    two.save()
    assert Cache(folder / "f").get("k") == {"a": 1.0, "b": 2.0}


def test_a_file_does_not_grow_for_ever(folder, monkeypatch):
    monkeypatch.setattr(cache, "MOST_ENTRIES", 5)
    for i in range(9):
        _add(folder / "f", i)
    assert list(json.loads((folder / "f").read_text())) == [f"key{i}" for i in range(4, 9)]


def test_the_cache_lies_where_such_things_lie(monkeypatch, tmp_path):
    assert cache.cache_folder() == tmp_path
    monkeypatch.delenv("SCALPEL_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    monkeypatch.setattr("sys.platform", "linux")
    assert cache.cache_folder() == tmp_path / "x" / "scalpel_rt"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache.cache_folder().parts[-2:] == (".cache", "scalpel_rt")
