"""The page: self-contained, valid where it matters to screen readers, safe whatever is in the names."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from scalpel_rt.report.html import fragment, page, summary

from .sample import entry, results

VOID = {"meta", "input", "br", "use", "path"}


def test_a_title_with_backslashes():
    """A net may be called as a file of Windows is."""
    pytest.importorskip("matplotlib", reason="Matplotlib is not installed: plots are not tested")
    name = r"C:\nets\q \1"
    made = page(replace(results(), entries=[entry(net=name), entry("csr", 2e-3, 0.5, net=name)]))
    assert "<title id=" in made and f"{name}: layers" in made


class Parsed(HTMLParser):
    """Everything that was opened, as (tag, attributes), checked to be closed in order."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.words = [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def text():
    return page(results())


def test_self_contained(text):
    found = Parsed(text)
    outside = [a for _, a in found.tags for k, v in a.items() if k in ("src", "href", "xlink:href") and v[0] != "#"]
    assert not outside and "@import" not in text and not re.search(r"url\((?!#)", text)
    assert not found.all("link") and not found.all("img")


def test_accessible(text):
    pytest.importorskip("matplotlib", reason="Matplotlib is not installed: the page has no plots")
    found = Parsed(text)
    assert found.all("html") == [{"lang": "en"}] and len(found.all("h1")) == 1 and found.all("title")
    ids = [a["id"] for _, a in found.tags if "id" in a]
    assert len(ids) == len(set(ids))
    for attrs in found.all("th"):
        assert attrs["scope"] in ("col", "row")
    assert len(found.all("caption")) == len(found.all("table")) == 3
    for attrs in found.all("label"):
        assert attrs["for"] in ids
    for _, attrs in found.tags:
        for name in (attrs.get("aria-labelledby") or "").split():
            assert name in ids
    pictures = [a for a in found.all("svg") if a.get("role") == "img"]
    assert len(pictures) == len(found.all("figure")) == 5 and all(a["aria-labelledby"] for a in pictures)
    refs = [a[k][1:] for _, a in found.tags for k in ("href", "xlink:href") if a.get(k, "").startswith("#")]
    assert set(refs) <= set(ids)
    regions = [a for a in found.all("div") if a.get("role") == "region"]
    assert regions and all(a.get("tabindex") == "0" and (a.get("aria-label") or a.get("aria-labelledby"))
                           for a in regions)


def test_numbers(text):
    assert re.search(r'data-value="5\.0">5\.00<', text) and "wrong by 0.5" in text and "not installed" in text
    assert text.index("Refused") < text.index("How it was measured")


def test_summary():
    lines = summary(results())
    assert lines[0] == ("n: simd with 90 % of the weights gone runs in 0.200 ms, dense in 1.00 ms: 5.00 times as fast, "
                        "and 85 % smaller (1 thread, batch 1).")
    assert lines[1] == "n: slower than dense although pruned: csr at 50 %."


def test_names_are_escaped():
    evil = "<b>&\"'"
    strange = replace(results(), notes=[evil], entries=[replace(e, net=evil, layers=[
        replace(x, name=evil, kernel=evil) for x in e.layers]) for e in results().entries])
    text = page(strange)
    assert "<b>&" not in text and "&lt;b&gt;&amp;" in text and "<b>&" not in fragment(strange)
    Parsed(text)


def test_nothing_measured():
    Parsed(page(replace(results(), entries=[])))
    Parsed(page(replace(results(), entries=[replace(entry(), layers=[])], refused=[], skipped=[])))


def test_notebook():
    text = results()._repr_html_()
    Parsed(text)
    assert "<td>simd</td>" in text and "5.00" in text and "Refused: mnn" in text
