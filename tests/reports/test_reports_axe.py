"""axe-core finds nothing on an unfolded report, in light and dark, and nothing about contrast that it cannot decide."""

import json
from importlib.resources import files

import pytest
from chromium_tools import Browser

from analysis import overview, sections
from analysis.nights import Night, NightComparison, Point
from reports import history_page
from reports.page import to_html
from reports.picture import Picture
from reports.trace import Trace

pytestmark = pytest.mark.browser
SVG = b'<svg width="90" height="9" viewBox="0 0 90 9"><rect width="9" height="9"/></svg>'


@pytest.fixture(scope="module")
def report(factory, tmp_path_factory):
    """A page with a figure that stands for those that take seconds to draw."""
    results = factory.results(factory.grid(seeds=range(2)))
    parts = sections(results)
    tables = [table for section in parts for table in section.tables]
    numbers = {cell.runs: 0 for table in tables for cell in table.cells if cell.runs}
    drawn = [
        Picture(
            f"f{number}", f"A figure, {one.board.panel.title}", "It says.", SVG, b"", "It shows.", one.board.panel.name
        )
        for number, one in enumerate(parts[0].standings)
    ]
    path = tmp_path_factory.mktemp("axe") / "report.html"
    path.write_text(to_html(parts, overview(results), Trace("run\tfile\na\tb", ((0, 1),), numbers), {"": drawn}))
    return path


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    points = (Point(metric="auc", estimate=-0.03, low=-0.04, high=-0.02, n=3, unit="seed", margin=0.01),)
    one = NightComparison(
        role="gate",
        candidate="a+b",
        baseline="a+b",
        outcome="regression",
        headline="h",
        lines=("found",),
        points=points,
    )
    kept = one.model_copy(update={"candidate": "c+d", "baseline": "c+d", "outcome": "established"})
    last = Night(
        night="2026-11-01", finished="f", seconds=1.0, grid="g", settings="s", exit_code=1, runs=3, failed=0,
        machine={"device": "cpu"}, moved={"torch": "1 -> 2"}, comparisons=(one, kept), baseline="main",
    )  # fmt: skip
    path = tmp_path_factory.mktemp("night") / "history.html"
    path.write_text(history_page([last]))
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("profile")) as browser:
        browser("Page.setBypassCSP", enabled=True)  # the page runs no script but its own, so axe comes from outside
        yield browser


FLAT = "body { max-width: none } .scroll, pre { max-height: none; overflow: visible }"
"""Nothing lies over anything else, which axe could not see through; the colours stay."""
WORDS = (
    "node => { const it = document.querySelector(node.target[0]);"
    " return !it.closest('svg') && /[\\p{L}\\p{N}]/u.test(it.textContent) }"
)
"""Text that axe has to decide on: of a lone sign and of text in a drawing it says that it cannot."""


def found(browser, path, *, dark):
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser("Emulation.setEmulatedMedia", features=[scheme])
    browser("Emulation.setDeviceMetricsOverride", width=3000, height=900, deviceScaleFactor=1, mobile=False)
    browser.open(path)
    style = "document.head.append(Object.assign(document.createElement('style'), {textContent: %s}))&&1"
    browser.js(style % json.dumps(FLAT.replace("}", "!important }").replace(";", " !important;")))
    browser.js("document.querySelectorAll('details').forEach(own => { own.open = true })")
    browser.until("!document.querySelector('details.packed[open] > script')")
    browser.js(files("axe_core_python").joinpath("axe.min.js").read_text("utf-8") + ";1")
    browser.js("axe.run().then(done => { window.done = done })&&1")
    browser.until("window.done")
    told = "window.done.%s.map(rule => [rule.id, rule.nodes.filter(%s).map(node => node.html.slice(0, 99))])"
    undecided = browser.js(told % ("incomplete", WORDS))
    return browser.js(told % ("violations", "() => true")), [rule for rule in undecided if rule[1]]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("page", ["report", "night"])
def test_axe_finds_nothing(browser, request, page, dark):
    violations, undecided = found(browser, request.getfixturevalue(page), dark=dark)
    assert violations == []
    assert [rule for rule in undecided if rule[0] == "color-contrast"] == []


def test_a_planted_violation_is_found(browser, report, tmp_path):
    path = tmp_path / "bad.html"
    path.write_text(report.read_text().replace('<html lang="en">', "<html>"))
    assert "html-has-lang" in [rule for rule, _ in found(browser, path, dark=False)[0]]
