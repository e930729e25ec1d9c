"""The verbs compare and report, as a user calls them."""

import json

import pytest

pytest.importorskip("rich", reason="rich is not installed (the extra `report`): the verbs are not tested")

import scalpel_rt as srt  # noqa: E402
from scalpel_rt.cli import main  # noqa: E402
from scalpel_rt.report import read  # noqa: E402

from ..comparing.test_measure import NET  # noqa: E402
from ..report.sample import results  # noqa: E402


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCALPEL_CACHE", str(tmp_path / "cache"))
    (tmp_path / "net.prototxt").write_text(NET)
    srt.load("net.prototxt").save(caffemodel="net.caffemodel")
    return tmp_path


def test_compare_and_report(folder, capsys):
    status = main(["compare", "net.prototxt", "net.caffemodel", "--methods", "csr", "--sparsity", "0.8",
                   "--peers", "mnn", "--seconds", "0.05", "-o", "r.json", "-o", "r.csv"])
    out, err = capsys.readouterr()
    assert status == 0 and "Whole nets, net net" in out and "Skipped: mnn" in out and "written: r.csv" in err
    assert "% " in err                                  # progress
    kept = read("r.json")
    assert [e.method for e in kept.entries] == ["dense", "csr"]
    assert main(["report", "r.json", "-o", "r.md"]) == 0
    again = capsys.readouterr().out
    assert again == out and (folder / "r.md").read_text().startswith("| method |")


def test_without_weights_they_are_random(capsys):
    assert main(["compare", "net.prototxt", "--methods", "dense", "--seconds", "0.05", "-o", "r.json"]) == 0
    assert "are random: times and sizes hold" in capsys.readouterr().out
    assert json.loads(open("r.json").read())["notes"]


@pytest.mark.parametrize("args, says", [
    (["compare"], "give a net, or --paper, or --from-benchmark"),
    (["compare", "net.prototxt", "--paper"], "give a net, or --paper"),
    (["compare", "net.prototxt", "--methods", "magic"], "no method 'magic'"),
    (["compare", "net.prototxt", "--scale", "2"], "--mean and --scale are for --data"),
    (["compare", "no.prototxt"], "no.prototxt"),
    (["report", "net.prototxt"], "net.prototxt: is not JSON"),
    (["report", "none.json"], "none.json"),
])
def test_errors_are_one_line(args, says, capsys):
    assert main(args) == 1
    err = capsys.readouterr().err
    assert says in err and err.count("\n") == 1 and "Traceback" not in err


def test_a_refused_way_is_status_1(monkeypatch, capsys):
    import scalpel_rt.comparing

    monkeypatch.setattr(scalpel_rt.comparing, "compare", lambda *args, **more: results())
    assert main(["compare", "net.prototxt", "net.caffemodel"]) == 1
    assert "Refused, not timed: mnn" in capsys.readouterr().out


@pytest.mark.parametrize("value", ["--sparsity=x", "--threads=1.5", "--batch=a,b", "--output=x.foo"])
def test_wrong_usage(value, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["compare", "net.prototxt", value])
    assert caught.value.code == 2
