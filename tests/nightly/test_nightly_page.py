"""The history page: everything on it escaped, figures inside, no script and nothing from elsewhere."""

import re

import pytest
from chromium_tools import Browser

from analysis.nights import Night, NightComparison, Point
from reports import history_page

HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'


def a_night(number, estimate=0.0, **fields):
    points = tuple(
        Point(metric=metric, estimate=estimate, low=estimate - 0.01, high=estimate + 0.01, n=3, unit="seed")
        for metric in ("balanced_accuracy", "auc")
    )
    one = NightComparison(
        role="gate", candidate=HOSTILE, baseline=HOSTILE, outcome="regression", headline=f"REGRESSION: {HOSTILE}",
        lines=(f"a finding on {HOSTILE}",), points=points,
    )  # fmt: skip
    canary = one.model_copy(update={"role": "canary", "candidate": "a+b", "baseline": "a+b", "identical": 6, "runs": 8})
    same = {
        "finished": "f",
        "seconds": 3600.0,
        "grid": "tiny",
        "settings": "s",
        "exit_code": 1,
        "runs": 32,
        "failed": 0,
    }
    same |= {"machine": {"device": HOSTILE}, "moved": {"torch": "1 -> 2"}, "baseline": "main", "baseline_sha256": "ab"}
    return Night(**{**same, "night": f"2026-11-{number:02}", "comparisons": (one, canary), **fields})


@pytest.fixture(scope="module")
def page():
    bare = a_night(5, comparisons=(), baseline="", baseline_sha256="", exit_code=0, moved={}, notes=(HOSTILE,))
    return history_page([*(a_night(number, 0.03 * (number > 2)) for number in range(1, 5)), bare, a_night(6, 0.03)])


def test_the_page_says_what_drifts_and_lists_every_night(page):
    assert len(re.findall(r'<th scope="row" class="first">2026-11-0\d</th>', page)) == 6
    assert "<b>REGRESSION</b> last night, 2026-11-06" in page
    assert "<b>4</b> metrics drifting" in page
    assert page.count("+0.030 since 2026-11-03 (before: 0.000)") == 4
    assert "<b>6 of 8</b> canary runs identical" in page
    assert "torch 1 -&gt; 2" in page
    assert page.count("<svg") == 2


def test_nothing_of_a_name_is_markup_and_nothing_comes_from_elsewhere(page):
    assert "<script" not in page
    assert "<img" not in page
    links = re.findall(r'(?:src|href)="(?!data:,|#)([^"]*)', page)
    assert all(re.fullmatch(r"2026-11-0\d/(?:report/report|gate/[\w%.~+-]+/gate)\.html", link) for link in links), links
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_a_first_night_without_a_baseline_has_a_page():
    bare = a_night(1, comparisons=(), baseline="", baseline_sha256="", exit_code=0, moved={})
    text = history_page([bare])
    assert "NO BASELINE" in text
    assert "<svg" not in text


@pytest.mark.browser
def test_a_browser_shows_it_without_complaint(page, tmp_path):
    path = tmp_path / "history.html"
    path.write_text(page)
    with Browser(tmp_path / "profile") as browser:
        browser.open(path)
        assert browser.js("document.querySelectorAll('main svg').length") == 2
        assert browser.js("document.querySelectorAll('tbody tr').length") == 6
        assert browser.js("document.documentElement.scrollWidth <= window.innerWidth") is True
        told = [event for event in browser.events if event["method"] in {"Log.entryAdded", "Runtime.exceptionThrown"}]
        assert told == []
        asked = [e["params"]["request"]["url"] for e in browser.events if e["method"] == "Network.requestWillBeSent"]
        assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
