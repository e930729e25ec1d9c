"""scalpel-rt profile."""

import json

import pytest

from scalpel_rt.cli import main
from scalpel_rt.profile import machine

from ..profile.nets import TEXT


@pytest.fixture(autouse=True)
def quick(tmp_path, monkeypatch):
    monkeypatch.setenv("SCALPEL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(machine, "TRY_NS", 1e5)
    monkeypatch.setattr(machine, "ROUNDS", 1)
    monkeypatch.setattr(machine, "DRAM_BYTES", (1 << 20, 1 << 20))


@pytest.fixture
def file(tmp_path):
    (tmp_path / "net.prototxt").write_text(TEXT)
    return str(tmp_path / "net.prototxt")


def test_a_table_for_people(file, capsys):
    assert main(["profile", file, "--seconds", "0.02", "--threads", "1"]) == 0
    out = capsys.readouterr().out
    assert "conv1" in out and "GFLOP/s" in out and "all else" in out and "by kind: " in out


def test_json_trace_and_plot(file, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    trace, plot = tmp_path / "t.json", tmp_path / "r.png"
    assert main(["profile", file, "--seconds", "0.02", "--json", "--trace", str(trace), "--roofline", str(plot)]) == 0
    assert len(json.loads(capsys.readouterr().out)["steps"]) == 5
    assert json.loads(trace.read_text())["traceEvents"] and plot.stat().st_size > 1000


def test_the_machine_needs_no_net(capsys):
    assert main(["profile", "--machine"]) == 0
    out = capsys.readouterr().out
    assert "multiply-adds, scalar" in out and "reading DRAM" in out
    assert main(["profile", "--machine", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["gflops"]["scalar"]


def test_nothing_to_do_and_nonsense(file, capsys):
    assert main(["profile"]) == 1
    assert "--machine" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["profile", file, "--seconds", "0"])
    assert main(["profile", file, "--seconds", "0.01", "--roofline", "r.gif"]) == 1
    assert "r.gif" in capsys.readouterr().err


def test_will_it_pay(file, capsys):
    assert main(["profile", file, "--pay", "--sparsity", "0.5,0.9", "--width", "8"]) == 0
    out = capsys.readouterr().out
    assert "groups 1×8" in out and "best at 90 %" in out and "whole net" in out and "conv2" in out
    assert main(["profile", file, "--pay", "--sparsity", "0.5", "--json"]) == 0
    numbers = json.loads(capsys.readouterr().out)
    assert [layer["layer"] for layer in numbers["layers"]] == ["conv1", "conv2", "ip"]
    assert main(["profile", file, "--pay", "--sparsity", "1.5"]) == 1
    assert "between 0 and 1, not 1.5" in capsys.readouterr().err
