"""The page in a real browser: sorting, filtering, a phone's width, the dark; nothing is fetched, nothing goes wrong."""

import shutil

import pytest

from scalpel_rt.report.html import page

from .sample import results

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: no browser was tested")
pytest.importorskip("matplotlib", reason="Matplotlib is not installed: the page has no plots")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
if CHROMIUM is None:
    pytest.skip("there is no chromium on the path: no browser was tested", allow_module_level=True)


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "results.html"
    path.write_text(page(results()), encoding="utf-8")
    return path


@pytest.fixture
def show(browser, path):
    """show(width, scheme) opens the page; at the end, nothing may have gone wrong in it."""
    contexts, wrong = [], []

    def show(width=1280, scheme="light"):
        contexts.append(browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme))
        tab = contexts[-1].new_page()
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on("console", lambda message: wrong.append(message.text))
        tab.on("request", lambda request: request.url.startswith("file:") or wrong.append(request.url))
        tab.goto(path.as_uri())
        return tab

    yield show
    for context in contexts:
        context.close()
    assert not wrong


def column(tab, section, n):
    rows = f"#{section} tbody tr:not([hidden])"
    return [row.locator("th, td").nth(n).inner_text() for row in tab.locator(rows).all()]


def test_sorting(show):
    tab = show()
    head = tab.locator("#nets thead th", has_text="speed-up")
    n = head.evaluate("cell => cell.cellIndex")
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    speeds = column(tab, "nets", n)
    assert [float(s.removeprefix("▼ ")) for s in speeds] == [0.5, 0.67, 1, 1.25, 2, 5]
    head.locator("button").press("Enter")       # by keyboard, and the other way round
    assert head.get_attribute("aria-sort") == "descending" and column(tab, "nets", 0)[0] == "simd"
    assert "speed-up, descending" in tab.locator("#nets [role=status]").inner_text()
    tab.locator("#nets thead th button", has_text="method").click()
    assert tab.locator("#nets thead [aria-sort]").count() == 1 and column(tab, "nets", 0)[0] == "csr"
    asked = tab.locator("#nets thead th", has_text="asked")
    asked.locator("button").click()
    assert column(tab, "nets", asked.evaluate("cell => cell.cellIndex"))[-2:] == ["", ""]     # empty ones last


def test_filtering(show):
    tab = show()
    tab.get_by_label("method").first.select_option("csr")
    assert column(tab, "nets", 0) == ["csr", "csr"]
    assert tab.locator("#nets [role=status]").inner_text() == "2 of 6 rows"
    tab.get_by_label("method").first.select_option("any")
    tab.locator("#nets input[type=search]").fill("OPEN")
    assert column(tab, "nets", 0) == ["opencv"]


def test_all_columns(show):
    tab = show()
    hidden = tab.locator("#nets thead th.more").first
    assert not hidden.is_visible()
    tab.locator("#nets input[type=checkbox]").check()
    assert hidden.is_visible()


@pytest.mark.parametrize("width", [320, 390])
def test_a_phone(show, width):
    tab = show(width)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.locator("#nets tbody th").first.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(show, scheme):
    """All text is at least 4.5 to 1 against what it stands on (WCAG AA)."""
    ratio = """() => {
      const parse = c => c.match(/[\\d.]+/g).map(Number);
      const light = c => parse(c).slice(0, 3).map(v => v / 255)
        .map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
      const behind = e => { for (; e; e = e.parentElement) {
        const c = getComputedStyle(e).backgroundColor; if ((parse(c)[3] ?? 1) > 0) return c; }
        return "rgb(255,255,255)"; };
      const bad = [];
      for (const e of document.querySelectorAll("h1,h2,p,a,th,td,button,label,figcaption,dt,dd,li,caption,.unit," +
                                                "svg text")) {
        const style = getComputedStyle(e), ink = e.matches("svg text") ? style.fill : style.color;
        const [a, b] = [light(ink), light(behind(e))].sort((x, y) => y - x);
        if ((a + .05) / (b + .05) < 4.5) bad.push(e.tagName + " " + e.textContent + " " + ink);
      }
      return bad; }"""
    assert show(scheme=scheme).evaluate(ratio) == []


def test_screen_reader(show):
    """What the accessibility tree holds: tables with rows and headers, pictures with names, a main part."""
    tab = show()
    assert tab.get_by_role("main").count() == 1 and tab.get_by_role("table").count() == 3
    assert tab.get_by_role("table").first.get_by_role("rowheader").count() == 6
    assert tab.get_by_role("columnheader", name="speed-up").count() == 3
    assert tab.get_by_role("img").count() == 5 and tab.get_by_role("img", name="n: crossover").count() == 1
    assert tab.get_by_role("region").count() >= 3
