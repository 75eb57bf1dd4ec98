"""The page in a browser, and the listing of runs that its numbers lead to."""

import json
import re

import pytest
from chromium_tools import Browser

from analysis import overview, read_results, sections, traced
from analysis.text import p_text
from bench.store import Store
from reports.page import to_html
from reports.picture import Picture
from reports.trace import trace

LOGGED = {"Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"}


@pytest.fixture(scope="module")
def store(tmp_path_factory, factory):
    """Three algorithms of which one has a failed run, in three ratios with one seed and task less each."""
    path = tmp_path_factory.mktemp("page") / "store"
    for ratio, seeds in ((50, 4), (10, 3), (100, 2)):
        factory.fill(path, ratio=ratio, seeds=range(seeds), algorithms=("random", "badge", "<i>dal</i>"))
    lost = factory.a_run("badge", "uniform", seed=1, status="failed", reason="NaN loss")
    Store(path).file_of(lost.key).unlink()
    Store(path).write(lost)
    return Store(path)


@pytest.fixture(scope="module")
def section(store):
    return sections(read_results(store))[0]


@pytest.fixture(scope="module")
def page(store, tmp_path_factory):
    """The page, with one wide figure in place of curves, which take seconds to draw."""
    results = read_results(store)
    parts = sections(results)
    behind = trace(traced(store, results), [table for section in parts for table in section.tables])
    wide = Picture("wide", "A wide figure", "It says nothing", b'<svg width="900" height="9" viewBox="0 0 9 1"/>', b"")
    path = tmp_path_factory.mktemp("out") / "report.html"
    path.write_text(to_html(parts, overview(results), behind, {"": (wide,)}))
    return path


@pytest.fixture(scope="module")
def browser(page, tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def opened(browser, page):
    browser.open(page)
    return browser


def lines_of(behind, cell):
    rows = behind.listing.split("\n")[1:]
    stretches = behind.sets[behind.numbers[cell.runs]]
    return [row for low, size in zip(stretches[::2], stretches[1::2], strict=True) for row in rows[low : low + size]]


def test_every_cell_leads_to_its_runs_and_no_others(store, section):
    results = read_results(store)
    behind = trace(traced(store, results), section.tables)
    for table in section.tables:
        for cell in table.cells:
            if cell.runs:
                keys = [re.search(r"([0-9a-f]{32})\.json$", line)[1] for line in lines_of(behind, cell)]
                assert sorted(keys) == sorted(set(cell.runs))
    assert len(behind.listing.split("\n")) == 1 + len(results.runs) + len(results.unfinished)


def test_the_runs_of_a_cell_of_table_7_are_one_stretch(store, section):
    behind = trace(traced(store, read_results(store)), section.tables)
    assert {len(behind.sets[behind.numbers[cell.runs]]) for cell in section.table("T7").cells} == {2}


def test_named_files_exist_and_hold_the_metrics(store, section):
    behind = trace(traced(store, read_results(store)), section.tables)
    header, *rows = (line.split("\t") for line in behind.listing.split("\n"))
    for row in rows:
        run = dict(zip(header, row, strict=True))
        record = json.loads((store.path / run["file"]).read_text())
        assert record["status"] == run["status"]
        auc = record["rounds"][-1]["metrics"]["auc"] if record["rounds"] else float("nan")
        assert run["ROC-AUC"] == f"{auc:.6f}"


def test_the_first_lines_are_numbers_of_the_tables(section):
    table, tests = section.table("T4"), section.table("T4-p")
    effects = [finding.text for finding in section.findings if finding.address == "T4"]
    assert len(effects) == len(table.groups) == 3
    for number, line in enumerate(effects):
        for row in (row for row in tests.rows if row.labels[1] == "InvProp > Uniform"):
            p, difference, pairs = row.cells[3 * number : 3 * number + 3]
            (one,) = next(own.cells[2 * number].tests for own in table.rows if own.labels == row.labels[:1])
            assert bool(one.units) == (row.labels[0] in ("10", "50", "100"))
            if one.units:
                sound = f"seed-level p {p_text(one.p_holm)}, {one.units} seeds"
                assert f"{difference.text} at ratio 1/{row.labels[0]} (p {p.text}, {pairs.text} pairs; {sound})" in line
            else:
                assert f"1/{row.labels[0]} " not in line
    (highest,) = (finding.text for finding in section.findings if finding.text.startswith("Highest"))
    full = section.table("T8")
    for group in full.groups:
        values = [
            cell
            for row in full.rows
            for (title, _), cell in zip(full.columns, row.cells, strict=True)
            if title == group.title
        ]
        assert f"{group.title} {max(values, key=lambda cell: cell.value).text} (" in highest


@pytest.mark.browser
def test_the_page_logs_nothing_and_asks_for_nothing(opened, page):
    opened.js("document.querySelector('td[data-runs]').click()")
    opened.js("document.querySelector('thead button').click()")
    assert [event for event in opened.events if event["method"] in LOGGED] == []
    requests = [e["params"]["request"]["url"] for e in opened.events if e["method"] == "Network.requestWillBeSent"]
    assert [url for url in requests if not url.startswith("data:")] == [page.as_uri()]


@pytest.mark.browser
def test_no_other_script_runs(opened):
    opened.js("document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.bad = 1'}))")
    assert opened.js("window.bad") is None


COLUMN = "[...document.querySelectorAll('#table7-p tbody tr')].map(row => row.cells[%d].textContent)"


@pytest.mark.browser
def test_a_header_sorts_by_the_unrounded_value(opened, section):
    """Differences with either sign, whose text sorts otherwise."""
    table = section.table("T7-p")
    at = len(table.headers) + 1
    values = [row.cells[1].value for row in table.rows]
    shown = [row.cells[1].text for row in table.rows]
    before = opened.js(COLUMN % at)
    assert [text.rstrip("*†") for text in before] == shown
    click = f"document.querySelectorAll('#table7-p thead button')[{at}].click()"
    for order, sign in (("descending", -1), ("ascending", 1)):
        opened.js(click)
        places = sorted(range(len(values)), key=lambda i: sign * values[i])
        assert [text.rstrip("*†") for text in opened.js(COLUMN % at)] == [shown[i] for i in places]
        sorted_by = (
            "[...document.querySelectorAll('#table7-p [aria-sort]')].map(head => head.getAttribute('aria-sort'))"
        )
        assert opened.js(sorted_by) == [order]
    opened.js(click)
    assert opened.js(COLUMN % at) == before


@pytest.mark.browser
def test_labels_sort_as_numbers_and_holes_come_last(opened):
    ratios = "[...document.querySelectorAll('#table4 tbody th')].map(head => head.textContent)"
    assert opened.js(ratios) == ["10", "50", "100"]  # nobody ran 2 and 20
    opened.js("document.querySelectorAll('#table4 thead button')[0].click()")
    assert opened.js(ratios) == ["100", "50", "10"]
    column = "[...document.querySelectorAll('#leaderboard-ratio50-warm tbody tr')].map(row => row.cells[6].textContent)"
    for _ in range(2):
        opened.js("document.querySelectorAll('#leaderboard-ratio50-warm thead button')[6].click()")
        assert opened.js(column)[-1] == "reference"


@pytest.mark.browser
def test_a_click_lists_the_runs_behind_a_number(opened, store, section):
    cell = section.table("T3").rows[1].cells[2]
    opened.js("document.querySelectorAll('#table3 tbody tr')[1].querySelectorAll('td')[2].click()")
    opened.until("document.querySelector('#behind').open")
    said = opened.js("document.querySelector('#behind').innerText")
    assert repr(cell.value) in said
    found = opened.js("[...document.querySelectorAll('#behind tbody tr')].map(row => row.lastChild.textContent)")
    assert sorted(found) == sorted(str(store.file_of(key).relative_to(store.path)) for key in cell.runs)


@pytest.mark.browser
def test_the_keyboard_reaches_every_number(opened, section):
    opened.js("document.querySelector('#table8 td').focus()")
    assert opened.js("document.querySelectorAll('#table8 td[tabindex=\"0\"]').length") == 1
    for key in ("ArrowRight", "ArrowDown", "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowLeft", "ArrowRight"):
        opened.press(key)
    place = "(cell => [cell.parentElement.sectionRowIndex, cell.cellIndex])(document.activeElement)"
    assert opened.js(place) == [1, len(section.table("T8").headers) + 1]
    opened.press("Enter")
    opened.until("document.querySelector('#behind').open")
    title = opened.js("document.querySelector('#behind h2').textContent")
    assert title.endswith("Balanced accuracy, Uniform")
    opened.press("Escape")
    assert opened.js("document.querySelector('#behind').open") is False
    assert opened.js("document.activeElement.tagName") == "TD"


@pytest.mark.browser
@pytest.mark.parametrize("dark", [False, True])
def test_the_page_fits_a_phone(opened, tmp_path, dark):
    opened.screenshot(tmp_path / "phone.png", 390, 800, dark=dark)
    assert opened.js("document.documentElement.scrollWidth") <= 390
    colours = opened.js("(style => [style.color, style.backgroundColor])(getComputedStyle(document.body))")
    ink, paper = (sum(map(int, re.findall(r"\d+", colour))) for colour in colours)
    assert (ink > paper) == dark


@pytest.mark.browser
def test_everything_is_there_without_the_script(browser, page):
    browser("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(page)
    browser("Emulation.setScriptExecutionDisabled", value=False)
    assert browser.js("document.querySelectorAll('button').length") == 1  # in the dialog, which is closed
    assert browser.js("document.querySelector('#how').hidden") is True
    assert browser.js("document.querySelectorAll('#table8 td').length") > 6
    assert "runs.csv" in browser.js("document.querySelector('#listing').textContent")
