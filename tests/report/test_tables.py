"""Text, CSV and Markdown."""

import csv
import io
from dataclasses import replace

import pytest

pytest.importorskip("rich", reason="rich is not installed (the extra `report`): tables are not tested")

from scalpel_rt.errors import OptionsError  # noqa: E402
from scalpel_rt.report import FORMS, read, tables, write  # noqa: E402
from scalpel_rt.report.results import Left  # noqa: E402
from scalpel_rt.report.rows import NETS, net_rows, shown  # noqa: E402

from .sample import entry, results  # noqa: E402


def test_text():
    text = tables.text(results(), width=150)
    assert "machine: Test CPU, 2 cores, avx2" in text and "peak: 100 GFLOP/s on 1 thread, 200 GFLOP/s on 2" in text
    assert "Whole nets, net n, threads 1, batch 1" in text and "Layers where pruning loses to dense" in text
    assert "Refused, not timed: mnn, 1 thread: wrong by 0.5" in text and "Skipped: ncnn: not installed" in text
    assert "A note." in text and "\x1b" not in text and all(line == line.rstrip() for line in text.splitlines())
    [row] = [line.split() for line in text.splitlines() if line.strip().startswith("simd") and " 90 " in line][:1]
    assert row[:2] == ["simd", "90"] and "5.00" in row


def test_names_are_no_markup():
    strange = replace(results(), entries=[entry(net="[red]x[/red]"), entry("csr", 2e-3, 0.5, net="[red]x[/red]")],
                      notes=["[bold]"])
    assert "[red]x[/red]" in tables.text(strange, width=150) and "[bold]" in tables.text(strange, width=150)


WILD = "\x1b]0;owned\x07\x1b[2J\n<script>x</script> \ud800"


@pytest.mark.parametrize("form", ["txt", "md", "csv", "html", "svg"])
def test_names_that_a_terminal_or_a_page_would_obey(tmp_path, form):
    if form in ("html", "svg"):
        pytest.importorskip("matplotlib", reason="Matplotlib is not installed: plots are not tested")
    about = replace(results().about, command=WILD, versions={WILD: WILD})
    strange = replace(results(), about=about, notes=[WILD], skipped=[Left(WILD, WILD)],
                      entries=[entry(net=WILD), entry(f"csr {WILD}", 2e-3, 0.5, net=WILD)])
    [path] = write(strange, tmp_path / f"out.{form}", layers=True)
    text = path.read_text(encoding="utf-8")
    if form != "csv":
        assert "\x1b" not in text and "\x07" not in text
    if form in ("md", "html", "svg"):
        assert "<script>x" not in text
    if form == "md":
        assert len(text.splitlines()) == 4 and all(line.startswith("|") for line in text.splitlines())


def test_no_losers_are_said():
    fine = replace(results(), entries=[e for e in results().entries if e.method != "csr" or e.sparsity == 0.9])
    assert "No layer was slower pruned than dense" in tables.text(fine, width=150)


def test_csv():
    rows = list(csv.DictReader(io.StringIO(tables.csv_text(results()))))
    assert len(rows) == 6 and float(rows[4]["speedup"]) == pytest.approx(5) and rows[0]["sparsity"] == ""
    rows = list(csv.DictReader(io.StringIO(tables.csv_text(results(), layers=True))))
    assert len(rows) == 10 and rows[0]["layer"] == "c1+r1" and float(rows[0]["us"]) == 250


def test_markdown_of_several_nets():
    more = [entry(net="m|m"), entry("csr", 0.25e-3, 0.9, net="m|m")]
    lines = tables.markdown(replace(results(), entries=[*results().entries, *more])).splitlines()
    assert lines[0] == "| net | dense (ms) | csr (×) | simd (×) | opencv (×) | simd: bytes removed (%) |"
    assert lines[2] == "| n | 1.00 | 2.00 | 5.00 | 0.67 | 85 |" and lines[3] == "| m\\|m | 1.00 | 4.00 |  |  |  |"


def test_markdown():
    lines = tables.markdown(results()).splitlines()
    assert lines[0].startswith("| method | asked (%)") and len(lines) == 8 and all(
        line.count("|") == lines[0].count("|") for line in lines)


@pytest.mark.parametrize("form", FORMS)
def test_write(tmp_path, form):
    if form in ("png", "svg", "html"):
        pytest.importorskip("matplotlib", reason="Matplotlib is not installed: plots are not tested")
    [path] = write(results(), tmp_path / f"out.{form}")
    assert path.stat().st_size > 300 and list(tmp_path.iterdir()) == [path]
    if form == "json":
        assert read(path) == results()


def test_unknown_form(tmp_path):
    with pytest.raises(OptionsError, match=r"a report is written as .html, .csv"):
        write(results(), tmp_path / "out.pdf")


@pytest.mark.parametrize("width", [80, 100])
def test_a_narrow_terminal_loses_columns_and_no_digits(width):
    whole, narrow = tables.text(results()), tables.text(results(), width)
    head = narrow.index("Whole nets")
    assert max(map(len, narrow[head:].splitlines())) <= width < max(map(len, whole.splitlines()))
    assert "Left out for want of room" in narrow and "Left out" not in whole
    for row in net_rows(results()):
        assert shown(next(c for c in NETS if c.key == "ms"), row["ms"]) in narrow
