"""The page shows what texts and names say and does nothing that they say, as a browser sees it."""

import pytest
from chromium_tools import Browser

from analysis import overview, read_results, sections, traced
from bench.records import Example, Informativeness
from bench.store import Store
from reports import read_report, write_report
from reports.page import to_html
from reports.picture import Picture
from reports.trace import trace

pytestmark = pytest.mark.browser
LOGGED = {"Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded", "Page.javascriptDialogOpening"}
HOSTILE = (
    "<script>window.ran = 1; alert(1)</script>",
    "</script><script>window.ran = 2</script>",
    "</style><script>window.ran = 3</script>",
    '"><img src=x onerror="window.ran = 4">',
    "' onmouseover='window.ran = 5' autofocus onfocus='window.ran = 5",
    "<svg onload=window.ran=6></svg>]]><!--",
    "{{ 7 * 7 }} {% raw %} ${window.ran = 8} $\\frac{",
    "javascript:window.ran=9",
    "<base href=https://example.org/><meta http-equiv=refresh content='0;url=https://example.org/'>",
    "\u202egnitrom \u2066RTL\u2069 \x00 NUL \x1b[31m\r\n\ttab",
)


@pytest.fixture(scope="module")
def store(tmp_path_factory, factory) -> Store:
    """Two of everything; each name and text that a run may carry is hostile, and one run has failed."""
    store = Store(tmp_path_factory.mktemp("hostile") / "store", create=True)
    everything = " ".join(HOSTILE)
    named = dict.fromkeys(("device", "data_source", "host", "precision", "lm_head", "git_commit"), everything)
    told = Example(row=1, text=everything, nearest_row=2, nearest_text=everything, distance=0.5)
    for number, text in enumerate((" ".join(HOSTILE[:5]), " ".join(HOSTILE[5:]))):
        for weighting in ("uniform", "invprop"):
            for seed in range(2):
                run = factory.a_run(
                    text, weighting, seed=seed, dataset=text, positive=text, auc=0.6 + number / 100,
                    options={text: text}, made=factory.MADE.model_copy(update=named),
                )  # fmt: skip
                found = Informativeness(pairwise=(0.1, 0.2), to_start=(0.3, 0.4), examples=(told,))
                store.write(run.model_copy(update={"informativeness": found}))
    store.write(factory.a_run("random", "uniform", seed=9, dataset=everything, status="failed", reason=everything))
    store.write(factory.a_run("random", "uniform", seed=8, dataset=everything, status="skipped", reason=everything))
    (store.path / "failed" / "{{ 1 }}<script>window.ran = 10<").mkdir()
    (store.path / "failed" / "<img src=x onerror=window.ran=11>.json").write_text(everything)
    return store


@pytest.fixture(scope="module")
def page(store, tmp_path_factory):
    """The page, with one figure that stands for those that take seconds to draw."""
    results = read_results(store)
    parts = sections(results)
    behind = trace(traced(store, results), [table for section in parts for table in section.tables])
    picture = Picture("wide", HOSTILE[0], HOSTILE[3], b'<svg width="9" height="9" viewBox="0 0 9 9"/>', b"")
    path = tmp_path_factory.mktemp("out") / "report.html"
    path.write_text(to_html(parts, overview(results), behind, {parts[0].suffix: (picture,)}))
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


def check(browser, page) -> None:
    """Open a page, use all there is to click and point at, and hold what happened against nothing."""
    browser.open(page)
    browser.js("document.querySelectorAll('details').forEach(one => one.open = true)")
    browser.js("document.querySelectorAll('thead button').forEach(one => one.click())")
    shown = "document.querySelector('#behind')"
    browser.js(f"document.querySelectorAll('td[data-runs]').forEach(one => {{ one.click(); {shown}?.close?.() }})")
    browser.js(
        "document.querySelectorAll('*').forEach(one => "
        "['mouseover', 'focus', 'error', 'load'].forEach(kind => one.dispatchEvent(new Event(kind))))"
    )
    assert browser.js("window.ran") is None
    assert [event for event in browser.events if event["method"] in LOGGED] == []
    asked = [e["params"]["request"]["url"] for e in browser.events if e["method"] == "Network.requestWillBeSent"]
    assert [url for url in asked if not url.startswith("data:")] == [page.as_uri()]
    assert browser.js("document.baseURI") == page.as_uri()
    assert browser.js("document.querySelectorAll('img[src=x], base, svg[onload], [onerror], [onfocus]').length") == 0


def test_hostile_names_and_texts_are_shown_and_do_nothing(browser, page):
    check(browser, page)
    said = browser.js("document.body.textContent")
    for text in HOSTILE[:5]:
        assert text in said


def test_what_would_run_is_noticed(browser, tmp_path):
    """The check sees a script that does run, and a picture that is asked for."""
    path = tmp_path / "bad.html"
    for hostile in (f"<p>{HOSTILE[1]}</p>", f'<p title="{HOSTILE[3]}</p>'):
        path.write_text(f"<body>{hostile}</body>")
        with pytest.raises(AssertionError):
            check(browser, path)


@pytest.mark.slow
def test_the_whole_report_with_its_figures_does_nothing_either(browser, store, tmp_path):
    write_report(read_report(store.path), tmp_path / "out", tmp_path / "paper")
    check(browser, tmp_path / "out" / "report.html")
